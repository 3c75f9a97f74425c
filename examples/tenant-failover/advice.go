package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
)

// advise says what to do about plans that have not come to a good end, one paragraph each; empty where all have.
func (r *runbook) advise(plans []*plan, steps map[string]drkit.Step) string {
	var said []string
	for _, p := range plans {
		if p.err != nil {
			key := r.agreed.key(p.planned)
			said = append(said, paragraph(p.planned, advice(r.agreed, key, steps[key], p.err)))
		}
	}
	return whatNow(said)
}

// adviseFrom does the same by the journal alone.
func adviseFrom(agreed agreement, steps map[string]drkit.Step) string {
	var said []string
	for _, p := range agreed.Plans {
		key := agreed.key(p)
		if s := steps[key]; s.State == drkit.StepIntended || s.State == drkit.StepFailed {
			said = append(said, paragraph(p, advice(agreed, key, s, s.Err())))
		}
	}
	return whatNow(said)
}

func whatNow(said []string) string {
	if len(said) == 0 {
		return ""
	}
	return "\nwhat to do now:\n\n" + strings.Join(said, "")
}

func paragraph(p planned, text string) string { return fmt.Sprintf("%s: %s\n", plain(p.Name), text) }

// advice says what the next run does by itself, and what a person has to look at before they ask for more.
func advice(agreed agreement, key string, s drkit.Step, err error) string {
	switch {
	case s.State == drkit.StepIntended:
		return fmt.Sprintf("nobody knows whether its %s has begun. Run again without -retry once data have been collected, which happens every "+
			"15 minutes unless set otherwise: one that has begun is found then. If it is not, look at the plan in the console of the "+
			"backup server: has it a session since %s, or is one of its machines failed over? Only if there is nothing, start it again with "+
			`-retry "%s"`, doing[agreed.Test], clock(s.Began), key)
	case s.State == drkit.StepFailed:
		return fmt.Sprintf(`it stays failed. Mend what is said of its machines, look whether any of them is failed over, and then start it again with -retry "%s"`, key)
	case s.State == drkit.StepSucceeded && agreed.Test:
		return "the test has ended, and not all machines came up well: mend that, and test again with a new journal"
	case s.State == drkit.StepSucceeded:
		return "the other machines are failed over. Those that are not can be failed over in the console of the backup server alone; " +
			"FailoverPlans.Undo takes all of them back"
	case errors.Is(err, drkit.ErrTaskGone):
		return fmt.Sprintf(`it was begun, and is not shown any more. The next run looks again; look at the plan in the console of the backup server. -retry "%s" forgets what the service has said`, key)
	case s.State == drkit.StepAccepted:
		return "it has begun, and goes on whatever becomes of this program: the next run waits for it"
	case errors.Is(err, drkit.ErrConflict):
		return "nothing was sent, because somebody else is at the plan: see to that, and run again"
	default:
		return "it has not begun: run again once that is mended"
	}
}
