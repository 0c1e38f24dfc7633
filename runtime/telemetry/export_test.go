package telemetry

// Compress has traces sent as to another machine.
func (t *Traces) Compress() { t.sender.compress() }

// Near tells of an endpoint on this machine.
var Near = near
