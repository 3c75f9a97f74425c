package simkit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
)

// Tally is what became of the requests for one operation on one resource, those of operators included. Each
// of them ran, was refused, is still to come or was lost.
type Tally struct {
	Operation string         // name in the table
	Resource  string         // what the audit counts by; empty: none
	Requests  int            // how many came
	Operators int            // how many of them came from operators
	Ran       int            // how often the work was done
	RanBy     map[string]int // the same by user
	Late      int            // how often it was done late
	Refused   int            // how often the service refused it
	Pending   int            // how often it is still to be done late
	Lost      int            // how often a rule kept it from the service, or its client gave up; or it is on its way
}

// Tallies returns the tallies of all operations that change something, in the order of their first requests.
func (s *Server) Tallies() []Tally {
	s.Settle()
	s.audit.mu.Lock()
	defer s.audit.mu.Unlock()
	type key struct{ operation, resource string }
	var tallies []Tally
	at := map[key]int{}
	for _, e := range s.audit.entries {
		if operation, known := s.router.named(e.Operation); !known || operation.Class == api.Read {
			continue
		}
		k := key{e.Operation, e.Resource}
		if _, seen := at[k]; !seen {
			at[k] = len(tallies)
			tallies = append(tallies, Tally{Operation: e.Operation, Resource: e.Resource, RanBy: map[string]int{}})
		}
		tallies[at[k]].count(e)
	}
	return tallies
}

func (t *Tally) count(e *record) {
	t.Requests++
	if e.Operator {
		t.Operators++
	}
	switch {
	case e.Ran:
		t.Ran++
		t.RanBy[e.User]++
		if e.Late > 0 {
			t.Late++
		}
	case e.Outcome != 0:
		t.Refused++
	case e.pending:
		t.Pending++
	default:
		t.Lost++
	}
}

// Add counts another tally in, whatever it is of.
func (t *Tally) Add(other Tally) {
	t.Requests += other.Requests
	t.Operators += other.Operators
	t.Ran += other.Ran
	if t.RanBy == nil {
		t.RanBy = map[string]int{}
	}
	for user, ran := range other.RanBy {
		t.RanBy[user] += ran
	}
	t.Late += other.Late
	t.Refused += other.Refused
	t.Pending += other.Pending
	t.Lost += other.Lost
}

// String returns one line, as in "C4-1 Pots.Boil: 2 requests (1 by operators), ran 1 (root 1), refused 1", without what
// is zero.
func (t Tally) String() string {
	var users []string
	for _, user := range slices.Sorted(maps.Keys(t.RanBy)) {
		users = append(users, fmt.Sprintf("%s %d", user, t.RanBy[user]))
	}
	requests := fmt.Sprintf("%d requests", t.Requests)
	if t.Requests == 1 {
		requests = "1 request"
	}
	return strings.TrimSpace(t.Resource+" "+t.Operation) + ": " + Joined(
		requests+within(Counted(t.Operators, "%d by operators")),
		fmt.Sprintf("ran %d", t.Ran)+within(strings.Join(users, ", ")), Counted(t.Late, "late %d"),
		Counted(t.Refused, "refused %d"), Counted(t.Pending, "pending %d"), Counted(t.Lost, "lost %d"),
	)
}

// WithTasks returns the line of a tally with what has come of its tasks; an outcome that is empty is none. It is no
// method, for then it would be one of all audits.
func WithTasks(t Tally, outcomes ...string) string {
	line, tasks := t.String(), Joined(outcomes...)
	if tasks == "" {
		return line
	}
	return line + "; tasks: " + tasks
}

// Counted returns a count in words, or nothing for none.
func Counted(n int, format string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(format, n)
}

// Joined puts what is not empty behind one another.
func Joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// within returns words in brackets, or nothing for none.
func within(words string) string {
	if words == "" {
		return ""
	}
	return " (" + words + ")"
}
