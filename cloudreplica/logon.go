package cloudreplica

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"sync"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// Tasks belong to the logon session that has begun them, and their numbers start anew in the next: a task is known by
// both. What this client has begun in a session is its own alone, unless the session was given to it.

// logonName names a logon session. It is not the id, of which newer versions make the token. It is empty for a session
// that was given, and before the first.
func (c *Client) logonName() string {
	id := c.signedIn().SessionID
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:6])
}

// taskKey is a task of one logon session.
type taskKey struct{ logon, id string }

func (k taskKey) String() string { return k.id + " of logon " + k.logon }

// claims are the tasks that this client has been answered, by what they work on, and what was sent and not answered.
type claims struct {
	mu    sync.Mutex
	tasks map[taskKey]string
	open  map[errand]standing
}

// errand is work of some kind on a resource.
type errand struct{ kind, resource string }

// standing is how many calls for an errand are under way, and whether an answer to one was lost: its task may come to
// light until it is found, or until the errand is done after somebody has discarded it.
type standing struct {
	calls int
	lost  bool
}

func newClaims() *claims { return &claims{tasks: map[taskKey]string{}, open: map[errand]standing{}} }

func (c *claims) begin(work errand) { c.change(work, func(now *standing) { now.calls++ }) }

func (c *claims) end(work errand, lost bool) {
	c.change(work, func(now *standing) {
		now.calls--
		now.lost = now.lost || lost
	})
}

// settle says that a task of an errand is known, and so no answer to it lost.
func (c *claims) settle(work errand) { c.change(work, func(now *standing) { now.lost = false }) }

func (c *claims) change(work errand, how func(*standing)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.open[work]
	if how(&now); now == (standing{}) {
		delete(c.open, work)
	} else {
		c.open[work] = now
	}
}

func (c *claims) claim(key taskKey, resource string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tasks[key] = resource
}

// of returns what a task works on, empty if nobody was answered it, and whether it may be of other work of its kind,
// of which the answer is still out or lost.
func (c *claims) of(key taskKey, work errand) (claimed string, unsure bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.open {
		unsure = unsure || other.kind == work.kind && other != work
	}
	return c.tasks[key], unsure
}

// ownTask is a task that this client has begun.
type ownTask struct {
	Task
	key     taskKey
	claimed string
	unsure  bool
}

// ownTasks are the tasks of a logon session that may be of some work. The session of a given token has no name, and
// none: others may use it as well.
type ownTasks struct {
	logon string
	all   []ownTask
}

// ownTasks returns the tasks of the current logon session that may be of the work on a resource: also those that the
// service calls like nothing in the contract, of which nobody can say what they are.
func (c *Client) ownTasks(ctx context.Context, kind, resource string) (ownTasks, error) {
	for range 3 {
		if _, given := c.credentials.(sessionToken); given {
			return ownTasks{}, nil
		}
		logon := c.logonName()
		tasks, err := c.Tasks.List(ctx)
		if err != nil {
			return ownTasks{}, err
		}
		if logon == "" || c.logonName() != logon { // they are of another session than it was
			continue
		}
		own := ownTasks{logon: logon}
		for _, task := range tasks {
			one := ownTask{Task: task, key: taskKey{logon, task.TaskID}}
			one.claimed, one.unsure = c.claims.of(one.key, errand{kind, resource})
			stranger := task.Operation != kind && !isKnownWork(task.Operation)
			one.unsure = one.unsure || stranger
			mayBe := one.claimed == "" && (task.Operation == kind || stranger) || one.claimed == resource && task.Operation == kind
			if mayBe {
				own.all = append(own.all, one)
			}
		}
		return own, nil
	}
	return ownTasks{}, errors.New("the logon session does not last")
}

// isKnownWork reports whether the contract knows what work of this name is.
func isKnownWork(kind string) bool {
	return slices.ContainsFunc(contract.Table.Operations, func(o api.Operation) bool { return o.TaskOperation == kind })
}

// owner tells whose work it is. The service has no identity of its own: its name is what it calls itself in links.
func (c *Client) owner(ctx context.Context) (transport.Owner, error) {
	if _, given := c.credentials.(sessionToken); given {
		endpoint, _ := c.transport.Place()
		return transport.Owner{Appliance: hostOf(endpoint), User: "the owner of a given token"}, nil
	}
	session, err := c.Sessions.SignIn(ctx)
	if err != nil {
		return transport.Owner{}, err
	}
	user := session.UserName
	if _, whom, _ := c.credentials.signIn(); whom != nil {
		user += " for " + whom.name()
	}
	host := hostOf(session.Href)
	if host == "" {
		endpoint, _ := c.transport.Place()
		host = hostOf(endpoint)
	}
	return transport.Owner{Appliance: host, User: user}, nil
}

// name returns whom a session is for.
func (s *loginSpec) name() string {
	if s.TenantCredentials != nil {
		return s.TenantCredentials.Username
	}
	return s.VCloudOrganizationCredentials.Login + " of " + s.VCloudOrganizationCredentials.OrganizationName
}

func hostOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Hostname()
}

// actsForTenant reports whether the session shows what is a tenant's alone, and has no query service.
func (c *Client) actsForTenant() bool {
	_, behalf := c.credentials.(onBehalf)
	return behalf
}

// rowsFor returns what a query finds, or a list where the session has no query service.
func rowsFor[T any](ctx context.Context, c *Client, list *Collection[T], find *Finder[T], query Query[T]) ([]T, error) {
	if !c.actsForTenant() {
		rows, err := drkit.Collect(find.Query(ctx, query))
		if !errors.Is(err, drkit.ErrForbidden) {
			return rows, err
		}
	}
	rows, err := list.List(ctx)
	return slices.Clip(rows), err
}
