package clock

// Look is one look of Watch.
func (s *Steady) Look() (Jump, bool) { return s.look() }
