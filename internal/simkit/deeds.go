package simkit

// Deeds are what a service counts for its audit, each under a key and in the order in which they were first counted.
// The zero value is ready to count.
type Deeds[K comparable, T any] struct {
	byKey map[K]*T
	all   []*T
}

// At returns what is counted under a key, to be counted on, and begins with made.
func (d *Deeds[K, T]) At(key K, made T) *T {
	if counted, known := d.byKey[key]; known {
		return counted
	}
	if d.byKey == nil {
		d.byKey = map[K]*T{}
	}
	d.byKey[key] = &made
	d.all = append(d.all, &made)
	return &made
}

// Has reports whether something is counted under a key.
func (d *Deeds[K, T]) Has(key K) bool { return d.byKey[key] != nil }

// All returns all as they are now.
func (d *Deeds[K, T]) All() []T {
	var all []T
	for _, counted := range d.all {
		all = append(all, *counted)
	}
	return all
}
