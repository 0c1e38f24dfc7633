package pluginhost

// WithoutImage makes every invoke of p begin in a new instance, as for a guest
// that an image is not enough for. Only before the first invoke.
func (p *Plugin) WithoutImage() {
	p.image.memory.free()
	p.image, p.reason = nil, "for a test"
}

// WithoutTracker makes the host compare memory instead of asking the kernel.
func (h *Host) WithoutTracker() { h.tracker = nil }

// DecodeJSON is the decoder of guests' documents.
func DecodeJSON(doc string) (any, error) { return decodeJSON(doc) }
