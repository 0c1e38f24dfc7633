package registry

// While has f called while a file of the folder is being read.
func (r *Registry) While(f func(file string)) { r.folder.while = f }
