package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
)

// lines are what decisions say that are made at the same time.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lines) say(format string, arguments ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, format+"\n", arguments...)
}

// planTable shows what would be decided.
func planTable(decisions []*decision) string {
	return table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "SOURCE\tASSET TAG\tREQUEST\tDECISION\tSTORAGE\tWHY")
		for _, d := range decisions {
			why := d.reason
			if d.err != nil {
				why = d.err.Error()
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", d.label, or(d.source.AssetTag), or(string(d.request)), d.verdict, or(d.storage.Name), why)
		}
	})
}

// outcomeTable shows what became of each decision.
func outcomeTable(decisions []*decision) string {
	return table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "SOURCE\tREQUEST\tDECISION\tSTORAGE\tOUTCOME")
		for _, d := range decisions {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", d.label, or(string(d.request)), d.verdict, or(d.storage.Name), d.outcome())
		}
	})
}

// unsettled names what another run needs to go on waiting.
func unsettled(decisions []*decision) string {
	var text strings.Builder
	for _, d := range decisions {
		if d.token != "" {
			fmt.Fprintf(&text, "%s: to go on waiting: accept-source -resume %s\n", d.label, d.token)
		}
	}
	return text.String()
}

// outcome is what became of a decision, in words.
func (d *decision) outcome() string {
	if d.err != nil {
		return strings.ReplaceAll(d.err.Error(), "\n", "; ")
	}
	var found string
	if d.poller != nil && d.poller.Adopted() {
		found = " (the answer was lost, and the decision found)"
	}
	switch {
	case d.poller == nil:
		return d.reason
	case d.settled.Replicates():
		return fmt.Sprintf("accepted: system %s, %s%s", d.settled.ID, d.settled.Role, found) + d.terms()
	default:
		return "rejected" + found
	}
}

// terms says which storage was decided on where that was not this run's to decide.
func (d *decision) terms() string {
	if d.verdict != resume {
		return ""
	}
	return "; " + d.reason
}

func or(text string) string { return cmp.Or(text, "–") }

func table(fill func(*tabwriter.Writer)) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fill(table)
	_ = table.Flush() // a Builder takes everything
	return text.String()
}
