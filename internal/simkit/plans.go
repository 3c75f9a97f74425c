package simkit

import "slices"

// Plans are what tests want to become of work to come, each plan of the next that it is about. The zero value is none.
type Plans[T any] struct{ all []plan[T] }

type plan[T any] struct {
	operation, resource string
	wanted              T
}

// Add plans for the next work of an operation on a resource; the empty resource is any.
func (p *Plans[T]) Add(operation, resource string, wanted T) {
	p.all = append(p.all, plan[T]{operation, resource, wanted})
}

// Take returns the first plan for work of an operation, which may go by several names of its resource, and crosses it
// out. Without one it returns the zero value and false.
func (p *Plans[T]) Take(operation string, resources ...string) (wanted T, planned bool) {
	at := slices.IndexFunc(p.all, func(one plan[T]) bool {
		return one.operation == operation && (one.resource == "" || slices.Contains(resources, one.resource))
	})
	if at < 0 {
		return wanted, false
	}
	wanted = p.all[at].wanted
	p.all = slices.Delete(p.all, at, at+1)
	return wanted, true
}

// Clear drops all plans.
func (p *Plans[T]) Clear() { p.all = nil }
