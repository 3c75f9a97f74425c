package vcav

import "github.com/drkit-go/drkit/internal/transport"

// proof settles an operation by what it leaves of the resource that it works on.
type proof struct {
	// ran reports whether nothing but the operation leads from before to after. Nil where something else may.
	ran func(before, after transport.State) bool
	// steady is a member that stays as it is unless the operation, or another one, has begun.
	steady string
}

func (p proof) settle(before, after transport.State) transport.Verdict {
	switch {
	case p.ran != nil && p.ran(before, after):
		return transport.Ran
	case before[p.steady] != after[p.steady], before[started] != after[started], underWay(after):
		return transport.Unclear
	default:
		return transport.Untouched
	}
}

// started is the member that changes with each task that begins.
const started = "started"

func underWay(state transport.State) bool {
	return state["recovery"] == string(RecoveryStateInProgress)
}

// flips is the proof of a member that has two values.
func flips(member string) func(before, after transport.State) bool {
	return func(before, after transport.State) bool {
		return before[member] != "" && after[member] != "" && before[member] != after[member]
	}
}

// becomes is the proof of a member that has a new value, whatever it was before but under way.
func becomes(member, to string) func(before, after transport.State) bool {
	return func(before, after transport.State) bool {
		return before[member] != to && after[member] == to && !underWay(before)
	}
}
