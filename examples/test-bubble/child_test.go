package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// killVariable tells the test binary that it is the program, and where it kills itself: "before request 7", "after
// save 3", or "never".
const killVariable = "DRKIT_BUBBLE_KILL"

// child is the program in a process of its own. It returns its exit status.
func child(kill string) int {
	v := &victim{kill: kill}
	p := program{open: v.open, options: []drkit.Option{
		drkit.WithRateLimit(1000, 1000), drkit.WithMiddleware(v.requests),
		drkit.WithPolling(drkit.PollPolicy{MinInterval: 20 * time.Millisecond, MaxInterval: 50 * time.Millisecond, Grace: 500 * time.Millisecond}),
	}}
	if err := p.run(context.Background(), context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// victim kills its process at a boundary.
type victim struct {
	kill             string
	requested, saved atomic.Int64
}

func (v *victim) around(what string, n int64, do func()) {
	v.at(fmt.Sprintf("before %s %d", what, n))
	do()
	v.at(fmt.Sprintf("after %s %d", what, n))
}

func (v *victim) at(boundary string) {
	if boundary != v.kill {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	<-time.After(time.Minute) // the signal is on its way
}

func (v *victim) requests(next http.RoundTripper) http.RoundTripper {
	return sender(func(request *http.Request) (response *http.Response, err error) {
		v.around("request", v.requested.Add(1), func() { response, err = next.RoundTrip(request) })
		return response, err
	})
}

func (v *victim) open(path string) (journal, error) {
	opened, err := drkit.OpenFileJournal(path)
	return &mortalJournal{opened, v}, err
}

// mortalJournal is a file journal whose writes are boundaries.
type mortalJournal struct {
	*drkit.FileJournal
	victim *victim
}

func (j *mortalJournal) Save(ctx context.Context, s drkit.Step) (err error) {
	j.victim.around("save", j.victim.saved.Add(1), func() { err = j.FileJournal.Save(ctx, s) })
	return err
}

// The program is killed for good at boundaries, and run again, on sockets and with a journal in a file.
func TestRealKills(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts many processes")
	}
	for k := int64(8); k <= 120; k += 7 {
		for _, boundary := range []string{"before request", "after request", "before save", "after save"} {
			if strings.HasSuffix(boundary, "save") && k > 60 {
				continue
			}
			t.Run(fmt.Sprint(boundary, " ", k), func(t *testing.T) {
				t.Parallel()
				pair := vspheretest.NewPair(t, vspheretest.TaskDuration(0, 60*time.Millisecond), vspheretest.RateLimits(0, 0, 0), vspheretest.Protect(
					vspheretest.Replication{VMName: "db-1"}, vspheretest.Replication{VMName: "app-1"}, vspheretest.Replication{VMName: "files-1", Paused: true}))
				file := filepath.Join(t.TempDir(), "journal")
				args := append(all(k), "-journal", file, "-folder", "/DC/Recovered VMs", "-compute", "/DC/cluster-1/Recovered")
				status, printed := runChild(t, pair, fmt.Sprintf("%s %d", boundary, k), args...)
				require.Contains(t, []int{-1, 0}, status, printed)
				if status == -1 {
					status, printed = runChild(t, pair, "never", args...)
				}
				require.Zero(t, status, printed)
				assertDone(t, pair)
			})
		}
	}
}

// runChild runs the program as a process, and returns its exit status, -1 if it was killed.
func runChild(t *testing.T, pair *vspheretest.Pair, kill string, args ...string) (status int, printed string) {
	t.Helper()
	var out bytes.Buffer
	command := exec.Command(os.Args[0], args...)
	command.Env = append(environment(pair), killVariable+"="+kill)
	command.Stdout, command.Stderr = &out, &out
	_ = command.Run()
	require.NotNil(t, command.ProcessState, "it did not start")
	return command.ProcessState.ExitCode(), out.String()
}

func environment(pair *vspheretest.Pair) []string {
	server := pair.Recovery
	return append(os.Environ(), "VSPHERE_REPLICATION_URL="+server.URL, "VSPHERE_REPLICATION_USER="+server.User,
		"VSPHERE_REPLICATION_PASSWORD="+server.Password, "VSPHERE_REPLICATION_THUMBPRINT="+server.Thumbprint(),
		"VSPHERE_REPLICATION_REMOTE_USER="+pair.Protected.User, "VSPHERE_REPLICATION_REMOTE_PASSWORD="+pair.Protected.Password)
}

// assertDone checks that every machine was tested once, and that nothing is left.
func assertDone(t *testing.T, pair *vspheretest.Pair) {
	t.Helper()
	assert.Empty(t, pair.Recovery.TestMachines())
	for _, replication := range pair.Replications() {
		done := pair.Audit().Replication(replication.ID)
		assert.Nil(t, replication.Image, replication.VMName)
		assert.Equal(t, replication.VMName == "files-1", replication.Paused, replication.VMName)
		assert.Equal(t, 1, done.Tested, replication.VMName)
		assert.Equal(t, 1, done.CleanedUp+done.Promoted, replication.VMName)
		assert.Equal(t, done.Paused, done.Resumed, replication.VMName)
	}
}
