package vcav_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// fate is what a caller believes of an operation that it wanted once.
type fate string

const (
	fateDone    fate = "done"
	fateFailed  fate = "failed" // and so not done
	fateUnknown fate = "unknown"
)

// tally is how a campaign has ended, by what callers believe and by what the appliance has seen.
type tally struct {
	asked, done, failed, unknown int

	ranTwice  int // the appliance has worked on it more than once
	sentAgain int // a request came although it had run
	lost      int // its caller says failed, but it ran
	phantom   int // its caller says done, but it never ran
	requests  int // of all operations
}

// count judges a campaign of one operation by the appliance's audit.
func count(server *vcavtest.Server, operation string, fates map[string]fate) tally {
	ran, again := map[string]int{}, map[string]bool{}
	seen := server.Requests()
	for _, request := range seen {
		if request.Operation != operation {
			continue
		}
		again[request.Resource] = again[request.Resource] || ran[request.Resource] > 0
		if request.Ran {
			ran[request.Resource]++
		}
	}
	t := tally{asked: len(fates), requests: len(seen)}
	for id, fate := range fates {
		t.done += one(fate == fateDone)
		t.failed += one(fate == fateFailed)
		t.unknown += one(fate == fateUnknown)
		t.ranTwice += one(ran[id] > 1)
		t.sentAgain += one(again[id])
		t.lost += one(fate == fateFailed && ran[id] > 0)
		t.phantom += one(fate == fateDone && ran[id] == 0)
	}
	return t
}

func one(counts bool) int {
	if counts {
		return 1
	}
	return 0
}

const tallyHeader = "operation  client            asked   done  failed  unknown  ran twice  sent again  ran, said failed  requests"

func (t tally) line(operation, client string) string {
	return fmt.Sprintf("%-9s  %-16s %6d %6d  %6d  %7d  %9d  %10d  %16d  %8d", operation, client,
		t.asked, t.done, t.failed, t.unknown, t.ranTwice, t.sentAgain, t.lost, t.requests)
}

// caller starts an operation once on one replication, and says what it believes has come of it.
type caller func(ctx context.Context, id string) fate

// TestCampaign starts the same operations in the same weather with drkit, in the loop of a runbook, and with
// plain requests through go-retryablehttp as it comes. A failover is refused by the appliance when it has run,
// so that only the next one over can do harm; a synchronization runs as often as it is asked for.
func TestCampaign(t *testing.T) {
	t.Parallel()
	size := 600
	if testing.Short() {
		size = 24
	}
	var mu sync.Mutex
	lines := map[string]string{}
	t.Cleanup(func() {
		t.Logf("weather %d, %d at a time:\n%s\n%s", weatherSeed, campaignWorkers, tallyHeader,
			strings.Join([]string{lines["failover drkit"], lines["failover go-retryablehttp"], lines["sync drkit"], lines["sync go-retryablehttp"]}, "\n"))
	})
	for _, operation := range []string{"failover", "sync"} {
		for name, newCaller := range map[string]func(*testing.T, *campaign) caller{"drkit": runbook, "go-retryablehttp": retrying} {
			t.Run(operation+" "+name, func(t *testing.T) {
				t.Parallel()
				c := newCampaign(t, operation, size)
				got := c.run(t, newCaller(t, c))
				mu.Lock()
				lines[operation+" "+name] = got.line(operation, name)
				mu.Unlock()
				assert.Zero(t, got.phantom)
				if name == "drkit" {
					assert.Zero(t, got.ranTwice, "ran twice")
					assert.Zero(t, got.sentAgain, "sent although it had run")
					assert.Zero(t, got.lost, "ran, and the caller says that it failed")
					assert.LessOrEqual(t, 100*got.unknown, got.asked, "at most one in a hundred is unknown")
				} else if !testing.Short() {
					assert.NotZero(t, got.sentAgain, "the weather is too fine to tell anything")
				}
			})
		}
	}
}

// runbook is what a person would do with drkit: look for what was lost, and send again what has left no trace.
func runbook(t *testing.T, c *campaign) caller {
	start := c.start(c.connect(t, vcav.LocalUser(c.server.User, drkit.NewSecret(c.server.Password))))
	return func(ctx context.Context, id string) fate {
		believed := fateFailed
		for range 10 {
			poller, err := start(ctx, id)
			if errors.Is(err, drkit.ErrOutcomeUnknown) {
				poller, err = drkit.Recover[vcav.VMReplication](ctx, err)
			}
			var unknown *drkit.OutcomeUnknownError
			switch {
			case err == nil:
				if _, err := poller.Wait(ctx); err != nil {
					t.Errorf("%s: %v", id, err)
				}
				return fateDone
			case errors.As(err, &unknown) && unknown.Untouched:
				believed = fateFailed
				drkit.Discard(err)
			case unknown != nil:
				believed = fateUnknown
			case errors.Is(err, drkit.ErrUnavailable):
				// Nothing was sent, because the appliance could not be reached.
			default:
				t.Logf("%s: %v", id, err)
				return fateFailed
			}
		}
		return believed
	}
}
