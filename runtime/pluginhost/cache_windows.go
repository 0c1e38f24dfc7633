package pluginhost

// ownFolder does nothing: a user's cache folder is theirs alone by default.
func ownFolder(string) error { return nil }
