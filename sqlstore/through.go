package sqlstore

// Through returns this store with every call of its engine passed through what
// wrap makes of it: for counting statements, for tracing them, and for tests that
// let the n-th one fail. A Runner that wrap puts around another passes on what the
// inner one also is: Direct, Eraser, Prover, Undoing. Closing either closes both.
func (s *Store) Through(wrap func(Engine) Engine) *Store {
	through := *s.records
	through.engine = wrap(s.engine)
	return &Store{&through}
}
