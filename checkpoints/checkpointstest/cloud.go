package checkpointstest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// cloud is the state behind a server and those that are linked to it: one lock, one clock, one identity service
// and a region for each server. The lock is held for the whole of each request's work.
type cloud struct {
	clock Clock
	iam   *identity

	mu      sync.Mutex
	now     time.Time // the moment up to which everything has happened that is due
	agenda  simkit.Agenda
	regions []*region
	used    map[string]bool // ids of everything that is or was
}

func newCloud(clock Clock) *cloud {
	if clock == nil {
		clock = simkit.SystemClock()
	}
	c := &cloud{clock: clock, now: clock.Now(), used: map[string]bool{}}
	c.iam = newIdentity(c)
	return c
}

// settle lets happen what is due by a moment, and takes that for the present.
func (c *cloud) settle(moment time.Time) { c.agenda.CatchUp(&c.now, moment) }

// region returns the region of a name, or nil.
func (c *cloud) region(name string) *region {
	for _, r := range c.regions {
		if r.name == name {
			return r
		}
	}
	return nil
}

// kits are the servers of all regions, and that of the identity service.
func (c *cloud) kits() []*simkit.Server {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := []*simkit.Server{c.iam.kit}
	for _, r := range c.regions {
		found = append(found, r.kit)
	}
	return slices.DeleteFunc(found, func(kit *simkit.Server) bool { return kit == nil })
}

// settleLate does the late work of all servers that is due. The caller holds no lock.
func (c *cloud) settleLate() {
	for _, kit := range c.kits() {
		kit.Settle()
	}
}

// claim takes an id, or makes one where it is empty.
func (c *cloud) claim(id string) (string, error) {
	if id == "" {
		id = simkit.FreshID()
	}
	if c.used[id] {
		return "", fmt.Errorf("the id %s is taken", id)
	}
	c.used[id] = true
	return id, nil
}

// project is a project of a region. Who may work in it is the identity service's business.
type project struct {
	id, name string
	domain   *domain
	region   *region
}

// region is the backup service of one region.
type region struct {
	cloud  *cloud
	config *config
	name   string
	kit    *simkit.Server
	url    string
	routes map[string]route // by the names of the contract

	projects    []*project
	resources   shelf[resource]
	vaults      shelf[vault]
	checkpoints shelf[checkpoint]
	backups     shelf[backup] // children included
	policies    shelf[policy]
	tasks       shelf[task]
	agents      shelf[agent]
	orgPolicies shelf[orgPolicy]
	ends        simkit.Plans[planned]       // of tasks to come
	durations   simkit.Plans[time.Duration] // likewise
	hidden      map[string]bool             // destination regions that capabilities leave out
	calls       window                      // for the limit of requests
	keys        map[string]*keyFailures
	deeds       deeds
}

// project returns the project of an id, or nil.
func (r *region) project(id string) *project {
	for _, p := range r.projects {
		if p.id == id {
			return p
		}
	}
	return nil
}

// now is the moment of the work under way.
func (r *region) now() time.Time { return r.cloud.now }

// later plans something.
func (r *region) later(after time.Duration, do func(at time.Time)) time.Time {
	at := r.cloud.now.Add(after)
	r.cloud.agenda.Add(at, do)
	return at
}

// shelf keeps what has an id, in the order in which it was put there.
type shelf[T any] struct {
	all  []*T
	byID map[string]*T
}

func (s *shelf[T]) put(id string, item *T) {
	if s.byID == nil {
		s.byID = map[string]*T{}
	}
	s.byID[id] = item
	s.all = append(s.all, item)
}

func (s *shelf[T]) drop(id string) {
	gone := s.byID[id]
	delete(s.byID, id)
	s.all = slices.DeleteFunc(s.all, func(item *T) bool { return item == gone })
}

// matching are the items for which a condition holds, in their order.
func (s *shelf[T]) matching(wanted func(*T) bool) []*T {
	var found []*T
	for _, item := range s.all {
		if wanted(item) {
			found = append(found, item)
		}
	}
	return found
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
