package unitrendstest

import (
	"errors"
	"fmt"
	"slices"
)

// TakesIn names sources that replicate to this appliance from the beginning. They are no servers.
func TakesIn(sources ...string) Option {
	return func(c *config) error {
		c.takesIn = append(c.takesIn, sources...)
		return nil
	}
}

// Order is a job order, which says what is copied where.
type Order struct {
	Name     string   // several may have the same
	Assets   []string // names of what the appliance protects; none: all of it
	Target   string   // name of a target that takes in its copies; empty: the first
	Disabled bool     // it does not run by itself
	Last     string   // how its last copy has ended, as in "Success", and "Never" before the first
}

// Orders adds job orders from the beginning, for targets of [CopiesTo]; for the source of a pair as in
// AtSource(CopiesTo("vault"), Orders(Order{Name: "nightly"})). What an enabled one has to copy is in the queue at once.
// Last is ignored.
func Orders(orders ...Order) Option {
	return func(c *config) error {
		for _, order := range orders {
			if order.Name == "" {
				return errors.New("Orders: an order has a name")
			}
		}
		c.orders = append(c.orders, orders...)
		return nil
	}
}

// placeOrders makes the orders that the options name.
func (a *appliance) placeOrders() error {
	for _, given := range a.config.orders {
		o := &jobOrder{id: a.nextID(kindOrder), name: given.Name, enabled: !given.Disabled, last: "Never"}
		for _, known := range a.assets {
			if known.parent != nil && (len(given.Assets) == 0 || slices.Contains(given.Assets, known.name)) {
				o.instances = append(o.instances, known)
			}
		}
		at := slices.IndexFunc(a.targets, func(t *target) bool {
			return t.state == targetAvailable && (given.Target == "" || t.of.name == given.Target)
		})
		if at < 0 || len(o.instances) == 0 || len(o.instances) < len(given.Assets) {
			return fmt.Errorf("unitrendstest: Orders: %q names no target that takes in copies of %s, or an asset that it does not protect", given.Name, a.name)
		}
		o.target = a.targets[at]
		a.orders = append(a.orders, o)
		if o.enabled {
			a.enqueue(o)
		}
	}
	return nil
}

// Orders returns the job orders that there are, in the order of their creation.
func (s *Server) Orders() []Order {
	a := s.lock()
	defer a.mu.Unlock()
	var orders []Order
	for _, o := range a.orders {
		seen := Order{Name: o.name, Target: o.target.of.name, Disabled: !o.enabled, Last: o.last}
		for _, instance := range o.instances {
			seen.Assets = append(seen.Assets, instance.name)
		}
		orders = append(orders, seen)
	}
	return orders
}

// OrderID returns the id of the newest job order of a name, or 0.
func (s *Server) OrderID(name string) int {
	a := s.lock()
	defer a.mu.Unlock()
	id := 0
	for _, o := range a.orders {
		if o.name == name {
			id = o.id
		}
	}
	return id
}

// ForgetHistory empties the history of jobs, as an appliance does that keeps it for a while: how far back it reaches
// is nowhere documented.
func (s *Server) ForgetHistory() {
	a := s.lock()
	defer a.mu.Unlock()
	a.history = nil
}
