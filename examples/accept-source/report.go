package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
)

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

// outcome is what became of a decision, in words.
func (d *decision) outcome() string {
	if d.err != nil {
		return d.err.Error()
	}
	var found string
	if d.adopted {
		found = " (the answer was lost, and the decision found)"
	}
	switch d.verdict {
	case accept:
		return fmt.Sprintf("system %s, %s%s", d.settled.ID, cmp.Or(string(d.settled.Role), "replicates"), found)
	case reject:
		return "rejected" + found
	default:
		return d.reason
	}
}

func or(text string) string { return cmp.Or(text, "–") }

func table(fill func(*tabwriter.Writer)) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fill(table)
	_ = table.Flush() // a Builder takes everything
	return text.String()
}
