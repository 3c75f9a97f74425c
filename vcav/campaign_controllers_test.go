package vcav_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// TestControllersThatCallAgain lets two operators at once, each with a client of its own, call the same
// operation on the same replications again whatever the error, in bad weather, until they have its poller or
// somebody else has done it.
func TestControllersThatCallAgain(t *testing.T) {
	t.Parallel()
	size := 150
	if testing.Short() {
		size = 12
	}
	for _, operation := range []string{"failover", "sync"} {
		for _, users := range [][]string{{"root", "root"}, {"root", "bob"}} {
			t.Run(fmt.Sprintf("%s by %s and %s", operation, users[0], users[1]), func(t *testing.T) {
				t.Parallel()
				c := newCampaign(t, operation, size, vcavtest.SSOUser("bob", "bob's password"))
				var controllers [2]*controller
				for i, user := range users {
					controllers[i] = newController(t, c, fmt.Sprintf("%s-%d", user, i+1), user)
				}
				c.run(t, func(ctx context.Context, id string) fate {
					var both sync.WaitGroup
					for _, one := range controllers {
						both.Go(func() { one.reconcile(ctx, id) })
					}
					both.Wait()
					return fateDone
				})
				judge(t, c, controllers, users[0] == users[1])
			})
		}
	}
}

// controller wants one operation on each replication.
type controller struct {
	name  string
	start func(ctx context.Context, id string) (*drkit.Poller[vcav.VMReplication], error)

	mu    sync.Mutex
	tasks map[string]string // by replication: that of the poller
	last  map[string]error  // by replication, where there is no poller
}

func newController(t *testing.T, c *campaign, name, user string) *controller {
	credentials := vcav.LocalUser(c.server.User, drkit.NewSecret(c.server.Password))
	if user != c.server.User {
		credentials = vcav.SSO(user, drkit.NewSecret(user+"'s password"))
	}
	client := c.connect(t, credentials)
	return &controller{name: name, start: c.start(client), tasks: map[string]string{}, last: map[string]error{}}
}

// operationID names what a controller wants.
func (c *controller) operationID(id string) string { return c.name + "-" + id }

func (c *controller) reconcile(ctx context.Context, id string) {
	ctx = drkit.WithOperationID(ctx, c.operationID(id))
	for range 25 {
		poller, err := c.start(ctx, id)
		c.mu.Lock()
		delete(c.tasks, id)
		if c.last[id] = err; err == nil {
			c.tasks[id] = poller.ID()
		}
		c.mu.Unlock()
		if err == nil {
			_, err = poller.Wait(ctx)
		}
		if err == nil || errors.Is(err, drkit.ErrConflict) {
			return
		}
	}
}

// judge holds what controllers believe against what the appliance has done.
func judge(t *testing.T, c *campaign, controllers [2]*controller, sameUser bool) {
	t.Helper()
	ran, total, of := map[string]int{}, map[string]int{}, map[string]string{}
	for _, request := range c.server.Requests() {
		if request.Operation == c.name() && request.Ran {
			ran[request.OperationID]++
			total[request.Resource]++
		}
	}
	for _, task := range c.server.Tasks() {
		of[task.ID] = task.OperationID
	}
	var done, refused, unknown, others int
	for _, id := range c.ids {
		if c.operation == "failover" {
			assert.LessOrEqual(t, total[id], 1, "%s was failed over twice", id)
		}
		for _, one := range controllers {
			wanted, err := one.operationID(id), one.last[id]
			require.LessOrEqual(t, ran[wanted], 1, "%s has run twice", wanted)
			switch {
			case err == nil:
				done++
				if of[one.tasks[id]] != wanted {
					others++
					assert.True(t, sameUser, "%s follows the task of %s", wanted, of[one.tasks[id]])
				}
			case errors.Is(err, drkit.ErrOutcomeUnknown):
				unknown++
			default:
				refused++
				assert.Zero(t, ran[wanted], "%s has run, and its caller says: %v", wanted, err)
			}
		}
	}
	t.Logf("%d wanted by each of two: %d have a poller (%d of them for the other's task), %d were refused, %d are unknown",
		len(c.ids), done, others, refused, unknown)
}
