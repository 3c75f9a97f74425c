package vspheretest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Option sets up a pair of sites. Options that make no sense together fail in [NewPair] and [Start].
type Option func(*config) error

// config is what options fill in.
type config struct {
	inMemory     bool
	clock        Clock
	names        [2]string // of the protected and the recovery site
	oneVCenter   bool
	unpaired     bool
	replications []Replication
	named        bool // whether replications were named, possibly none
	machines     []Machine
	observers    []account
	queued       time.Duration
	running      time.Duration
	syncTime     time.Duration
	idle         time.Duration
	absolute     time.Duration
	remoteStatus int // for want of a remote session
	limits       limits
	version      version
	pageSize     int
	linkBase     *string // nil: the server's own URL
	taskMemory   time.Duration
	digits       bool
	numeric      bool
	sparse       bool
}

// account is somebody who can sign in.
type account struct {
	user, password string
	observer       bool // whether only reads are allowed
}

func newConfig(options []Option) (*config, error) {
	c := &config{
		names:  [2]string{ProtectedSite, RecoverySite},
		queued: 100 * time.Millisecond, running: 2 * time.Second, syncTime: 5 * time.Second,
		remoteStatus: http.StatusForbidden, idle: 5 * time.Minute, absolute: 24 * time.Hour,
		limits: limits{client: 100, service: 1000, session: 50}, version: version{9, 0}, pageSize: 100,
	}
	for _, option := range options {
		if err := option(c); err != nil {
			return nil, fmt.Errorf("vspheretest: %w", err)
		}
	}
	if c.clock == nil {
		c.clock = simkit.SystemClock()
	}
	if !c.named {
		c.replications = []Replication{{VMName: "db-1"}, {VMName: "app-1"}, {VMName: "web-1"}}
	}
	if c.machines == nil {
		c.machines = []Machine{{Name: "new-1"}, {Name: "new-2", Disks: 2}}
	}
	if c.unpaired && (c.oneVCenter || len(c.replications) > 0 && c.named) {
		return nil, errors.New("vspheretest: sites that are not paired have no replications")
	}
	return c, nil
}

// InMemory listens in memory instead of on loopback ports, with the same TLS. It is for tests inside
// testing/synctest, where waiting for a socket would keep the bubble's time from passing. Clients reach a server
// only through its [Server.Options] or [Server.Transport].
func InMemory() Option {
	return func(c *config) error {
		c.inMemory = true
		return nil
	}
}

// UseClock lets both servers go by another clock than that of package time, such as a [ManualClock].
func UseClock(clock Clock) Option {
	return func(c *config) error {
		if clock == nil {
			return errors.New("UseClock: the clock is nil")
		}
		c.clock = clock
		return nil
	}
}

// SiteNames names the two sites; by default they are [ProtectedSite] and [RecoverySite].
func SiteNames(protected, recovery string) Option {
	return func(c *config) error {
		if protected == "" || recovery == "" || protected == recovery {
			return errors.New("SiteNames: two different names are needed")
		}
		c.names = [2]string{protected, recovery}
		return nil
	}
}

// OneVCenter pairs one vCenter Server with itself, as for remote offices: both servers of the [Pair] are the same,
// local and remote are the same in the pairing, and no remote session is needed. Asking for one is refused.
//
// Source: the vendor's examples in Java and PowerShell, which sign in to the remote site only where the two differ.
func OneVCenter() Option {
	return func(c *config) error {
		c.oneVCenter = true
		return nil
	}
}

// Unpaired leaves the two sites without a pairing, and so without replications.
func Unpaired() Option {
	return func(c *config) error {
		c.unpaired, c.named = true, true
		return nil
	}
}

// Protect puts these replications in place of the default ones, which are of db-1, app-1 and web-1. Without
// arguments there are none.
func Protect(replications ...Replication) Option {
	return func(c *config) error {
		c.named = true
		c.replications = append(c.replications, replications...)
		return nil
	}
}

// Machines puts these machines, which nobody replicates yet, in place of the default ones: new-1 with one disk and
// new-2 with two, both at the protected site. Replications bring their own along.
func Machines(machines ...Machine) Option {
	return func(c *config) error {
		c.machines = append([]Machine{}, machines...)
		return nil
	}
}

// Observer adds a user who may only read, at both sites: whatever changes something answers 403. There is none by
// default.
func Observer(user, password string) Option {
	return func(c *config) error {
		if user == "" || password == "" {
			return errors.New("Observer: a name and a password are needed")
		}
		c.observers = append(c.observers, account{user: user, password: password, observer: true})
		return nil
	}
}

// TaskDuration sets how long tasks are QUEUED and then RUNNING: 100 ms and 2 s by default. The answer that starts
// a task never shows its end.
func TaskDuration(queued, running time.Duration) Option {
	return func(c *config) error {
		c.queued, c.running = queued, running
		return simkit.NotNegative("TaskDuration", queued, running)
	}
}

// SyncDuration sets how long a transfer takes that somebody asked for, and the first one: 5 s by default. Those that
// follow by themselves, one for each RPO, take no time.
func SyncDuration(duration time.Duration) Option {
	return func(c *config) error {
		c.syncTime = duration
		return simkit.NotNegative("SyncDuration", duration)
	}
}

// SessionLife sets after how long without a request sessions end, and after how long in any case: 5 minutes and 24
// hours by default. Nobody documents either; the one client whose habits are known renews its session after 300
// seconds.
func SessionLife(idle, absolute time.Duration) Option {
	return func(c *config) error {
		c.idle, c.absolute = idle, absolute
		return simkit.Positive("SessionLife", idle, absolute)
	}
}

// RemoteSessionStatus sets the status of the error for want of a remote session: 400, 401, 403 or 500. Documented is
// only that it is an error; by default it is 403. A 401 has no body, as always.
func RemoteSessionStatus(status int) Option {
	return func(c *config) error {
		if !slices.Contains([]int{400, 401, 403, 500}, status) {
			return fmt.Errorf("RemoteSessionStatus: %d is no status of this API's errors", status)
		}
		c.remoteStatus = status
		return nil
	}
}

// PageSize sets how many rows a list answers that is not told: 100 by default, which is the vendor's. A small one
// makes short lists have many pages.
//
// Source: specification 2.0.0, where the server's setting is called defaultResponsePageSize.
func PageSize(rows int) Option {
	return func(c *config) error {
		if rows < 1 {
			return fmt.Errorf("PageSize: %d rows are none", rows)
		}
		c.pageSize = rows
		return nil
	}
}

// LinkBase sets what the links of lists begin with, in place of the server's own URL: another host, on which a
// client must not be led, or nothing for links that are paths.
func LinkBase(base string) Option {
	return func(c *config) error {
		c.linkBase = &base
		return nil
	}
}

// TaskMemory lets the servers forget tasks so long after their end; 0, the default, never. GET /tasks is
// documented to show recent tasks only, not how recent.
func TaskMemory(after time.Duration) Option {
	return func(c *config) error {
		c.taskMemory = after
		return simkit.NotNegative("TaskMemory", after)
	}
}

// DigitTimes lets the times of the v1 API be milliseconds in digits. By default they are texts like
// "2030-06-01T12:00:00.000Z". Documented is only that they are text.
func DigitTimes() Option {
	return func(c *config) error {
		c.digits = true
		return nil
	}
}

// NumericCreatedTime lets the active image tell its created_time as a number. By default it is milliseconds in digits,
// because the vendor's page types it as a string; its words are those of a number.
//
// Source: "Get Active Replication Image".
func NumericCreatedTime() Option {
	return func(c *config) error {
		c.numeric = true
		return nil
	}
}

// Sparse leaves out of answers every member without a value, and null ones, as far as the contract lets them be
// absent.
func Sparse() Option {
	return func(c *config) error {
		c.sparse = true
		return nil
	}
}
