package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// none is an empty cell.
const none = "–"

// dryRunTable shows what a first run would do.
func dryRunTable(found candidates) string {
	return table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "VAULT\tID\tDESTINATION\tBACKUPS\tVERDICT")
		for _, c := range found {
			verdict := "would be replicated"
			if c.refusal != "" {
				verdict = "refused: " + c.refusal
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.Name, c.ID, cmp.Or(c.into.Name, none), c.contents(), oneLine(verdict))
		}
	})
}

// report shows what became of every vault, and counts those that are not replicated.
func (r *runbook) report(steps map[string]drkit.Step) (text string, missing int) {
	text = table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "VAULT\tDESTINATION\tBACKUPS\tCOPIED\tSKIPPED\tFAILED\tVERIFIED\tTOOK\tRESULT")
		for _, v := range r.vaults {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", v.Name, v.Into, v.counts(), took(steps[v.key()]), v.verdict())
			if v.err != nil {
				missing++
			}
		}
	})
	return text + r.exceptions(), missing
}

// counts are what became of the backups of a vault, in numbers.
func (v *vault) counts() string {
	number := func(known bool, n int) string {
		if !known {
			return none
		}
		return fmt.Sprint(n)
	}
	return strings.Join([]string{
		number(v.verified, v.found.backups), number(v.ended, v.count(succeeded)), number(v.ended, v.count(skipped)), number(v.ended, v.count(failed)),
		number(v.verified, v.found.copies),
	}, "\t")
}

func (v *vault) verdict() string {
	verdict := "replicated"
	if v.err != nil {
		verdict = v.err.Error()
	}
	return oneLine(strings.Join(append([]string{verdict}, v.notes...), "; "))
}

// exceptions are the backups that have no copy, with the reason, and nothing where all have one.
func (r *runbook) exceptions() string {
	text := table(func(table *tabwriter.Writer) {
		for _, v := range r.vaults {
			for _, e := range v.exceptions {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", v.Name, e.backup, cmp.Or(e.resource, none), e.what, oneLine(e.why))
			}
		}
	})
	if text == "" {
		return ""
	}
	return "\nbackups without a copy:\n\n" + text
}

// took is the time from the request to the end, over all runs.
func took(step drkit.Step) string {
	if step.Ended.IsZero() || step.Began.IsZero() {
		return none
	}
	return short(step.Ended.Sub(step.Began))
}

// printStatus shows what a journal says. It asks no cloud, and does not mind a run that is at work.
func printStatus(file string, out io.Writer) error {
	all, err := drkit.ReadJournal(file)
	if err != nil {
		return err
	}
	steps := byKey(all)
	settled, there := steps[planKey]
	if !there {
		fmt.Fprintln(out, "nothing is planned yet")
		return nil
	}
	agreed, err := readPlan(settled)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "replication from %s to %s\n\n%s", cmp.Or(agreed.Region, agreed.Project), agreed.To.Region, table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "VAULT\tDESTINATION\tKEY\tSTATE\tSENT\tBEGAN\tTOOK\tRESULT")
		for _, p := range agreed.Vaults {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.Name, p.Into, p.key(), columns(steps[p.key()]))
		}
	}))
	return nil
}

// columns are what there is to say of a step, begun or not.
func columns(s drkit.Step) string {
	began, result := none, none
	if !s.Began.IsZero() {
		began = s.Began.Local().Format(time.DateTime)
	}
	switch s.State {
	case drkit.StepReady:
	case drkit.StepIntended:
		result = "the next run looks for it: operation ID " + s.OperationID
	case drkit.StepAccepted:
		result = "the next run waits for it: operation ID " + s.OperationID
	case drkit.StepFailed:
		result = s.Err().Error()
	case drkit.StepSucceeded:
		result = summary(s.Result)
	}
	state := cmp.Or(string(s.State), "ready")
	return fmt.Sprintf("%s\t%d\t%s\t%s\t%s", state, s.Sent, began, took(s), oneLine(result))
}

// summary says in words what a journal has kept of a replication.
func summary(result []byte) string {
	var kept checkpoints.ReplicationResult
	if json.Unmarshal(result, &kept) != nil {
		return none
	}
	v := vault{copies: kept.Copies}
	return fmt.Sprintf("%d of %d backups copied", v.count(succeeded), len(v.copies))
}

func byKey(all []drkit.Step) map[string]drkit.Step {
	steps := map[string]drkit.Step{}
	for _, s := range all {
		steps[s.Key] = s
	}
	return steps
}

func table(fill func(*tabwriter.Writer)) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fill(table)
	_ = table.Flush() // a Builder takes everything
	return text.String()
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// short leaves out what nobody reads.
func short(d time.Duration) string {
	if d < time.Minute {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
