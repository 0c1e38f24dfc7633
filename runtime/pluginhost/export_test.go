package pluginhost

// WithoutTracker makes the host compare memory instead of asking the kernel.
func (h *Host) WithoutTracker() { h.tracker = nil }

// DecodeJSON is the decoder of guests' documents.
func DecodeJSON(doc string) (any, error) { return decodeJSON(doc) }
