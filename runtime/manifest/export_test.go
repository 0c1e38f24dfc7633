package manifest

// Decode is for tests of sections that no build would write.
var Decode = decode
