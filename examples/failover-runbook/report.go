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
	"github.com/drkit-go/drkit/vcav"
)

// report shows what became of every machine, and counts those that are not recovered.
func (r *runbook) report(steps map[string]drkit.Step) (text string, missing int) {
	text = table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "WAVE\tMACHINE\tFROM → TO\tSYNC\tPAUSE\tFAILOVER\tVERIFY\tTOOK\tRECOVERED AS\tRESULT")
		for i, wave := range r.waves {
			for _, m := range wave {
				fmt.Fprintf(table, "%d\t%s\t%s\t", i+1, m.Name, m.Route)
				for _, step := range []string{stepSync, stepPause, stepFailover, stepVerify} {
					fmt.Fprintf(table, "%s\t", cmp.Or(m.cells[step], none))
				}
				fmt.Fprintf(table, "%s\t%s\t%s\n", m.took(steps), cmp.Or(m.recovered, none), m.result())
				if m.err != nil {
					missing++
				}
			}
		}
	})
	return text, missing
}

// none is an empty cell.
const none = "–"

func (m *machine) result() string {
	result := "recovered"
	if m.err != nil {
		result = m.err.Error()
	}
	return oneLine(strings.Join(append([]string{result}, m.notes...), "; "))
}

// took is the time from the first step to the end of the last, over all runs.
func (m *machine) took(steps map[string]drkit.Step) string {
	first, last := steps[m.key(stepSync)], steps[m.key(stepFailover)]
	if first.Began.IsZero() {
		first = last
	}
	if last.Ended.IsZero() {
		return none
	}
	return short(last.Ended.Sub(first.Began))
}

// printStatus shows what a journal says. It asks no appliance, and does not mind a run that is at work.
func printStatus(file string, out io.Writer) error {
	all, err := drkit.ReadJournal(file)
	if err != nil {
		return err
	}
	agreed, there, err := readPlan(all)
	if err != nil {
		return err
	}
	if !there {
		fmt.Fprintln(out, "nothing is planned yet")
		return nil
	}
	steps := byKey(all)
	fmt.Fprintf(out, "failover of %s\n\n%s", agreed.Site, table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "WAVE\tMACHINE\tKEY\tSTATE\tSENT\tBEGAN\tTOOK\tRESULT")
		for i, wave := range agreed.Waves {
			for _, m := range wave {
				for _, name := range []string{stepSync, stepFailover} {
					step, begun := steps[m.key(name)]
					if !begun && name == stepSync {
						continue // it may have been left out
					}
					fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", i+1, m.Name, m.key(name), columns(step))
				}
			}
		}
	}))
	return nil
}

// columns are what there is to say of a step, begun or not.
func columns(s drkit.Step) string {
	began, took, result := none, none, none
	if !s.Began.IsZero() {
		began = s.Began.Local().Format(time.DateTime)
	}
	if !s.Ended.IsZero() {
		took = short(s.Ended.Sub(s.Began))
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
		var replication vcav.VMReplication
		if json.Unmarshal(s.Result, &replication) == nil {
			result = cmp.Or(recoveredAs(replication), none)
		}
	}
	state := cmp.Or(string(s.State), "ready")
	return fmt.Sprintf("%s\t%d\t%s\t%s\t%s", state, s.Sent, began, took, oneLine(result))
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
