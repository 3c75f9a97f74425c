package vcav_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// waitContest is one way to wait for a thousand tasks that end evenly over a minute, in a process of its own.
type waitContest struct {
	Server   hello
	Together bool // or each goroutine polls by itself
	Tasks    int
	Over     time.Duration
}

// waitFigures are what it costs.
type waitFigures struct {
	Requests int
	PerTick  int     // requests, at most
	OverGoal int     // requests of a tick above those that its tasks need, at most
	Heap     float64 // MiB that live while all wait, above those before
	Lag      float64 // ticks from the end of a task to its result, at most
	CPU      time.Duration
}

// BenchmarkWait compares waits that share their polls with goroutines that each poll by themselves, at the same
// fixed ticks of a second. Each runs in a process of its own, so that its CPU time is its own, start included.
// It takes two minutes a round: use -benchtime 1x, or -short for rounds of twelve seconds.
func BenchmarkWait(b *testing.B) {
	server, over := startBenchServer(b, "tasks"), time.Minute
	if testing.Short() {
		over = 6 * time.Second
	}
	b.ResetTimer()
	var together, alone waitFigures
	for range b.N {
		together = compete(b, waitContest{Server: server, Together: true, Tasks: 1000, Over: over})
		alone = compete(b, waitContest{Server: server, Tasks: 1000, Over: over})
	}
	for name, f := range map[string]waitFigures{"together": together, "alone": alone} {
		b.ReportMetric(float64(f.Requests), "requests-"+name)
		b.ReportMetric(float64(f.PerTick), "requests/tick-"+name)
		b.ReportMetric(float64(f.CPU.Milliseconds()), "CPU-ms-"+name)
		b.ReportMetric(f.Heap, "MiB-"+name)
		b.ReportMetric(f.Lag, "ticks-late-"+name)
	}
	b.ReportMetric(float64(together.OverGoal), "requests/tick-over-goal")
	b.ReportMetric(float64(alone.Requests)/float64(together.Requests), "×requests")
	b.ReportMetric(float64(alone.CPU)/float64(together.CPU), "×CPU")
	b.ReportMetric(0, "ns/op")
}

// compete runs this test binary again as a contestant.
func compete(b *testing.B, c waitContest) waitFigures {
	b.Helper()
	command := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestBenchServer$")
	command.Env = append(os.Environ(), benchServerVariable+"=wait")
	input, err := command.StdinPipe()
	require.NoError(b, err)
	output, err := command.StdoutPipe()
	require.NoError(b, err)
	command.Stderr = os.Stderr
	require.NoError(b, command.Start())
	require.NoError(b, json.NewEncoder(input).Encode(c))
	var result waitFigures
	require.NoError(b, json.NewDecoder(output).Decode(&result))
	require.NoError(b, input.Close())
	require.NoError(b, command.Wait())
	result.CPU = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	return result
}

// serveTasks is the server of BenchmarkWait: a task's id is the time when it ends.
func serveTasks() error {
	server := httptest.NewTLSServer(newBoard(func(_, id string) (string, bool) {
		if end, err := strconv.ParseInt(id, 10, 64); err != nil || time.Now().UnixNano() < end {
			return "RUNNING", true
		}
		return "SUCCEEDED", true
	}))
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return sayHello(hello{URL: server.URL, Certificate: string(certificate)})
}

// contestant is one process of BenchmarkWait.
func contestant(t *testing.T) {
	var c waitContest
	require.NoError(t, json.NewDecoder(os.Stdin).Decode(&c))
	count := &requestCount{}
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(c.Server.Certificate)))
	client, err := vcav.NewClient(c.Server.URL, vcav.LocalUser("root", drkit.NewSecret(boardPassword)), drkit.WithRootCAs(pool),
		drkit.WithPolling(fixed), drkit.WithMiddleware(count.middleware))
	require.NoError(t, err)
	_, err = resumedAt(t, client, "", "0").Poll(t.Context()) // signs in, and learns who the appliance is
	require.NoError(t, err)
	count.reset()

	before := liveHeap()
	start, result := time.Now(), waitFigures{}
	lags := c.run(t, client, start, func() { result.Heap = liveHeap() - before })
	for _, lag := range lags {
		result.Lag = max(result.Lag, lag.Seconds()/tick.Seconds())
	}
	result.Requests, result.PerTick, result.OverGoal = count.figures(c.Together)
	require.NoError(t, client.Close(context.Background()))
	require.NoError(t, json.NewEncoder(os.Stdout).Encode(result))
}

// run waits for all tasks, and calls look while most of them are waited for. It returns how late each result was.
func (c waitContest) run(t *testing.T, client *vcav.Client, start time.Time, look func()) []time.Duration {
	lags, waits := make([]time.Duration, c.Tasks), make([]func() error, c.Tasks)
	end := func(i int) time.Time { return start.Add(c.Over * time.Duration(i+1) / time.Duration(c.Tasks)) }
	for i := range waits {
		id := strconv.FormatInt(end(i).UnixNano(), 10)
		poller := resumedAt(t, client, "", id)
		waits[i] = func() error { return pollAlone(t.Context(), client, id) }
		if c.Together {
			waits[i] = func() error { _, err := poller.Wait(t.Context()); return err }
		}
	}
	var all sync.WaitGroup
	for i, wait := range waits {
		all.Go(func() {
			err := wait()
			lags[i] = time.Since(end(i))
			if err != nil {
				t.Error(err)
			}
		})
	}
	<-time.After(time.Until(start.Add(c.Over / 10)))
	look()
	all.Wait()
	return lags
}

// pollAlone is the loop that everybody writes first.
func pollAlone(ctx context.Context, client *vcav.Client, id string) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		if task, err := client.Tasks.Get(ctx, id); err != nil || task.Ended() {
			return err
		}
		<-ticker.C
	}
}

// requestCount takes down when which request asked for how many tasks.
type requestCount struct {
	mu       sync.Mutex
	requests []counted
}

type counted struct {
	at    time.Time
	tasks int
}

func (c *requestCount) middleware(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		one := counted{at: time.Now(), tasks: 1}
		if r.GetBody != nil && r.URL.Path == pollPath {
			var ids []string
			if body, err := r.GetBody(); err == nil && json.NewDecoder(body).Decode(&ids) == nil {
				one.tasks = len(ids)
			}
		}
		c.mu.Lock()
		c.requests = append(c.requests, one)
		c.mu.Unlock()
		return next.RoundTrip(r)
	})
}

func (c *requestCount) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = nil
}

// figures returns how many requests there were, at most in a tick, and at most in a tick above what its tasks
// need. Requests that are sent together are a tick; those of goroutines on their own come all the time, and a
// tick is then a second.
func (c *requestCount) figures(together bool) (all, most, over int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	window := tick
	if together {
		window = tick / 2
	}
	requests, tasks := 0, 0
	var began time.Time
	for _, one := range c.requests {
		if one.at.Sub(began) > window {
			began, requests, tasks = one.at, 0, 0
		}
		requests, tasks = requests+1, tasks+one.tasks
		most, over = max(most, requests), max(over, requests-(tasks+chunk-1)/chunk)
	}
	return len(c.requests), most, over
}
