package yamldoc

// Aligned tells whether the text was found in its source, byte for byte.
func Aligned(t Text) bool {
	_, ok := t.align()
	return ok
}
