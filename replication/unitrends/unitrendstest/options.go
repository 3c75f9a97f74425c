package unitrendstest

import (
	"errors"
	"fmt"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Option sets up an appliance. Options that make no sense fail in the constructor. Those of [NewPair] are for
// both of its appliances unless [AtSource] or [AtTarget] says otherwise.
type Option func(*config) error

// part is what an appliance is made for.
type part string

const (
	alone    part = "alone"
	atSource part = "source"
	atTarget part = "target"
)

// config is what options fill in for one appliance.
type config struct {
	*shared
	part         part
	name         string
	users        map[string]string // password by name
	password     string
	idle         time.Duration
	latency      time.Duration
	release      string
	assets       []Asset
	storage      []string
	sources      []string // that have made a request
	targets      []string // that take in copies
	reachable    []string // that may be asked to
	manages      []string
	takesIn      []string // whose copies come here
	orders       []Order
	shape        shape
	noCopyAPI    bool // whether it is older than backup copies
	onlyAccepted bool // whether a source lists only the targets that have accepted
	named        struct{ sources, targets, reachable bool }
}

// shared is what options fill in for all appliances that know one another.
type shared struct {
	clock    Clock
	inMemory bool
	settling time.Duration
	copying  time.Duration
	zone     *time.Location
}

func newShared() *shared {
	return &shared{settling: 100 * time.Millisecond, copying: 100 * time.Millisecond, zone: time.UTC}
}

func newConfig(s *shared, at part, options []Option) (*config, error) {
	c := &config{
		shared: s, part: at, users: map[string]string{}, password: "simulated-root-password",
		idle: 30 * time.Minute, release: "9.1.0", shape: shape{status: map[requestState]string{}},
	}
	c.name = map[part]string{alone: "vault", atSource: "branch", atTarget: "vault"}[at]
	c.shape.status[pending], c.shape.status[rejected] = "pending", "rejected"
	for _, option := range options {
		if err := option(c); err != nil {
			return nil, fmt.Errorf("unitrendstest: %w", err)
		}
	}
	c.furnish()
	return c, nil
}

// furnish completes the picture that the options have not drawn.
func (c *config) furnish() {
	if c.part == alone {
		if !c.named.sources {
			c.sources = []string{"branch-1", "branch-2", "branch-3"}
		}
		if !c.named.targets {
			c.targets = []string{"cloud-1"}
		}
		if !c.named.reachable {
			c.reachable = []string{"cloud-2"}
		}
	}
	if c.assets == nil && c.part != atTarget {
		c.assets = []Asset{{Name: "db-1"}, {Name: "app-1"}, {Name: "web-1"}}
	}
	if len(c.storage) == 0 {
		c.storage = []string{"internal", "copies"}
	}
}

// Named sets the name of the appliance, from which its host name is made: "vault" by default, and "branch" for
// the source of a pair.
func Named(name string) Option {
	return func(c *config) error {
		if name == "" {
			return errors.New("Named: the name is empty")
		}
		c.name = name
		return nil
	}
}

// AtSource lets options hold for the source of a pair alone.
func AtSource(options ...Option) Option { return only(atSource, "AtSource", options) }

// AtTarget lets options hold for the target of a pair alone.
func AtTarget(options ...Option) Option { return only(atTarget, "AtTarget", options) }

func only(at part, name string, options []Option) Option {
	return func(c *config) error {
		if c.part == alone {
			return fmt.Errorf("%s: there is no pair", name)
		}
		if c.part != at {
			return nil
		}
		for _, option := range options {
			if err := option(c); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}
}

// InMemory listens in memory instead of on a loopback port, with the same TLS. It is for tests inside
// testing/synctest, where waiting for a socket would keep the bubble's time from passing. Clients reach
// the server only through its [Server.Options] or [Server.Transport].
func InMemory() Option {
	return func(c *config) error {
		c.inMemory = true
		return nil
	}
}

// UseClock lets the appliances go by another clock than that of package time, such as a [ManualClock].
func UseClock(clock Clock) Option {
	return func(c *config) error {
		if clock == nil {
			return errors.New("UseClock: the clock is nil")
		}
		c.clock = clock
		return nil
	}
}

// Settling sets how long a source takes to find the decision on its request and, if it was accepted, to complete
// its configuration: 100 ms by default. Until then the target lists it as pending and accepted.
//
// Source: API wiki, "(POST) /replication/source": the source polls for the decision; how long is not said.
func Settling(d time.Duration) Option {
	return func(c *config) error {
		c.settling = d
		return simkit.NotNegative("Settling", d)
	}
}

// Copying sets how long the copy of one backup takes: 100 ms by default.
func Copying(d time.Duration) Option {
	return func(c *config) error {
		c.copying = d
		return simkit.NotNegative("Copying", d)
	}
}

// Zone sets the zone of the dates that answers show: UTC by default.
func Zone(zone *time.Location) Option {
	return func(c *config) error {
		if zone == nil {
			return errors.New("Zone: it is nil")
		}
		c.zone = zone
		return nil
	}
}

// Protects puts these assets in place of the default ones, db-1, app-1 and web-1. Without arguments there are
// none. The target of a pair has none by default.
func Protects(assets ...Asset) Option {
	return func(c *config) error {
		c.assets = append([]Asset{}, assets...)
		return nil
	}
}

// StorageAreas names the storage of the appliance, whose ids count from 1: "internal" and "copies" by default.
func StorageAreas(names ...string) Option {
	return func(c *config) error {
		if len(names) == 0 {
			return errors.New("StorageAreas: an appliance has some")
		}
		c.storage = names
		return nil
	}
}

// Pending names appliances that have asked this one to become their target, in the order of their request ids,
// which count from 1. They are no servers. A single appliance has branch-1, branch-2 and branch-3 by default;
// without arguments it has none.
func Pending(sources ...string) Option {
	return func(c *config) error {
		c.named.sources = true
		c.sources = append(c.sources, sources...)
		return nil
	}
}

// CopiesTo names targets that have accepted this appliance. They are no servers. A single appliance has cloud-1
// by default; without arguments it has none.
func CopiesTo(targets ...string) Option {
	return func(c *config) error {
		c.named.targets = true
		c.targets = append(c.targets, targets...)
		return nil
	}
}

// Reachable names appliances that this one can ask to become its target, besides the other of a pair. They are
// no servers: [Server.TargetDecides] says what becomes of a request. A single appliance reaches cloud-2 by
// default; without arguments it reaches none.
func Reachable(targets ...string) Option {
	return func(c *config) error {
		c.named.reachable = true
		c.reachable = append(c.reachable, targets...)
		return nil
	}
}

// Manages names appliances that this one manages, as in AtTarget(Manages("branch")): it lists them as systems
// from the beginning, and its reads cover them, too.
func Manages(systems ...string) Option {
	return func(c *config) error {
		c.manages = append(c.manages, systems...)
		return nil
	}
}

// Password sets the password of the built-in user root. It is also in [Server.Password].
func Password(password string) Option {
	return func(c *config) error {
		if password == "" {
			return errors.New("Password: it is empty")
		}
		c.password = password
		return nil
	}
}

// User adds somebody who can sign in, as in "domain\ann". All users may do everything.
func User(name, password string) Option {
	return func(c *config) error {
		if name == "" || name == rootUser || password == "" {
			return fmt.Errorf("User: %q is the built-in user or empty, or the password is empty", name)
		}
		c.users[name] = password
		return nil
	}
}

// SessionLife sets after how long without a request a token ends: 30 minutes by default, which is nowhere
// documented.
func SessionLife(idle time.Duration) Option {
	return func(c *config) error {
		c.idle = idle
		return simkit.Positive("SessionLife", idle)
	}
}

// Latency lets every answer come this much later, by the server's clock, besides what a [Fault] delays.
func Latency(latency time.Duration) Option {
	return func(c *config) error {
		c.latency = latency
		return simkit.NotNegative("Latency", latency)
	}
}

// Release sets the version that the appliance shows for itself: "9.1.0" by default. Nothing else depends on it.
func Release(version string) Option {
	return func(c *config) error {
		if version == "" {
			return errors.New("Release: it is empty")
		}
		c.release = version
		return nil
	}
}
