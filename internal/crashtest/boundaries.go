package crashtest

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// Boundaries stop a process where none was stopped before: before and after each write of the journal, and each
// request. A goroutine that comes to a new one stays there until the process is killed.
type Boundaries struct {
	suicidal bool
	name     func(*http.Request) string

	mu    sync.Mutex
	file  *os.File // a line for whatever begins and ends, and for each boundary that stops
	known map[string]bool
}

// What the lines of the file begin with.
const (
	markBefore = "before " // stopped
	markAfter  = "after "  // stopped
	markBegin  = "begin "
	markEnd    = "end "
)

// OpenBoundaries returns the boundaries of a process, as [BoundariesVariable] and [RoleVariable] have told it. A
// [Victim] kills itself there. Requests count as one boundary if they have the same name.
func OpenBoundaries(path, role string, name func(*http.Request) string) (*Boundaries, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the test's own file
	if err != nil {
		return nil, err
	}
	b := &Boundaries{suicidal: role == Victim, name: name, known: map[string]bool{}}
	for line := range strings.Lines(string(text)) {
		b.known[strings.TrimSpace(line)] = true
	}
	b.file, err = os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0) //nolint:gosec // likewise
	return b, err
}

// around does something that has a boundary before and one after it.
func (b *Boundaries) around(name string, do func()) {
	b.at(markBefore + name)
	b.mark(markBegin + name)
	do()
	b.at(markAfter + name) // before the end is marked: another goroutine may kill the process between the two
	b.mark(markEnd + name)
}

func (b *Boundaries) mark(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(b.file, line)
}

// at comes to a boundary. The process goes on for a moment, so that other goroutines come to theirs.
func (b *Boundaries) at(name string) {
	b.mu.Lock()
	if b.known[name] {
		b.mu.Unlock()
		return
	}
	b.known[name] = true
	fmt.Fprintln(b.file, name)
	b.mu.Unlock()
	patience := time.Minute // of somebody who should be killed from outside
	if b.suicidal {
		patience = rand.N(30 * time.Millisecond) //nolint:gosec // nothing secret
	}
	<-time.After(patience)
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}

// Requests is a middleware whose requests are boundaries.
func (b *Boundaries) Requests(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (response *http.Response, err error) {
		b.around(b.name(request), func() { response, err = next.RoundTrip(request) }) //nolint:bodyclose // whoever has asked closes it
		return response, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip sends a request.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// Journal opens a file journal whose writes are boundaries.
func (b *Boundaries) Journal(path string) (*Journal, error) {
	opened, err := drkit.OpenFileJournal(path)
	return &Journal{opened, b}, err
}

// Journal is a file journal whose writes are boundaries.
type Journal struct {
	*drkit.FileJournal
	boundaries *Boundaries
}

// Save puts a step into the journal.
func (j *Journal) Save(ctx context.Context, s drkit.Step) (err error) {
	j.boundaries.around(SaveOf(s.Key, s.State), func() { err = j.FileJournal.Save(ctx, s) })
	return err
}

// SaveOf names the boundary of a write.
func SaveOf(key string, state drkit.StepState) string {
	return fmt.Sprintf("save of %s %s", key, cmp.Or(state, "ready"))
}

// Passed are the boundaries at which some process was killed. One that was killed in the middle, when its work was
// done already, counts for the boundary after it, which then is never reached.
type Passed map[string]bool

func readPassed(t *testing.T, path string) Passed {
	t.Helper()
	text, err := os.ReadFile(path) //nolint:gosec // the test's own file
	require.NoError(t, err)
	passed, begun := Passed{}, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, markBegin); ok {
			begun[name] = true
		} else if name, ok := strings.CutPrefix(line, markEnd); ok {
			delete(begun, name)
		} else {
			passed[line] = true
		}
	}
	for name := range begun {
		passed[markAfter+name] = true
	}
	return passed
}

// AssertAll checks that processes were killed before and after each of the names.
func (p Passed) AssertAll(t *testing.T, names []string) {
	t.Helper()
	for _, name := range names {
		for _, mark := range []string{markBefore, markAfter} {
			assert.Truef(t, p[mark+name], "never killed %s%s", mark, name)
		}
	}
}
