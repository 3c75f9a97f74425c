package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// planTable shows what moves where, and what was found out about it.
func (r *runbook) planTable() string {
	return table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "WAVE\tMACHINE\tFROM → TO\tHEALTH\tLATEST INSTANCE\tREADY")
		for i, wave := range r.machines {
			for _, m := range wave {
				fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", i+1, m.VMName, m.route, m.OverallHealth, m.age(), r.readiness(m))
			}
		}
	})
}

// outcomeTable shows what each step of each machine came to.
func (r *runbook) outcomeTable() string {
	steps := []string{"sync", "migrate", "verify"}
	if r.reverse {
		steps = append(steps, "reverse")
	}
	return table(func(table *tabwriter.Writer) {
		fmt.Fprintf(table, "WAVE\tMACHINE\tFROM → TO\t%s\tDURATION\tRESULT\n", strings.ToUpper(strings.Join(steps, "\t")))
		for i, wave := range r.machines {
			for _, m := range wave {
				fmt.Fprintf(table, "%d\t%s\t%s\t", i+1, m.VMName, m.route)
				for _, step := range steps {
					fmt.Fprintf(table, "%s\t", cmp.Or(m.cells[step], "–"))
				}
				fmt.Fprintf(table, "%s\t%s\n", cmp.Or(m.cells["all"], "–"), r.result(m))
			}
		}
	})
}

func table(fill func(*tabwriter.Writer)) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fill(table)
	_ = table.Flush() // a Builder takes everything
	return text.String()
}

func (r *runbook) readiness(m *machine) string {
	switch {
	case len(m.refusals) > 0:
		return "no: " + strings.Join(m.refusals, "; ")
	case !r.hasWork(m):
		return "skipped: " + r.result(m)
	case m.migrated:
		return "to reverse: migrated already"
	case len(m.notes) > 0:
		return "yes: " + strings.Join(m.notes, "; ")
	default:
		return "yes"
	}
}

func (r *runbook) result(m *machine) string {
	switch {
	case m.err != nil:
		return m.err.Error()
	case m.arrived:
		return "runs at " + r.to + " already"
	case !r.hasWork(m):
		return "migrated already"
	default:
		return "moved"
	}
}

// age is how old the latest instance is, by the clock of this computer.
func (m *machine) age() string {
	if m.DestinationState.LatestInstance == nil {
		return "none"
	}
	return short(max(0, time.Since(m.DestinationState.LatestInstance.Timestamp.Time))) + " old"
}

// short leaves out what nobody reads.
func short(d time.Duration) string {
	if d < time.Minute {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func names(machines []*machine) string {
	if len(machines) == 0 {
		return "nothing to do"
	}
	var names []string
	for _, m := range machines {
		names = append(names, m.VMName)
	}
	return strings.Join(names, ", ")
}
