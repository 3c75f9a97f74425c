package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/drkit-go/drkit/checkpoints"
)

// choiceTable shows what would be backed up.
func choiceTable(what choice) string {
	return fmt.Sprintf("vault %s (%s)\n\n", what.vault.Name, what.vault.ID) + table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "RESOURCE\tID\tTYPE\tSIZE\tBACKUPS\tSTATE")
		for _, r := range what.resources {
			fmt.Fprintf(table, "%s\t%s\t%s\t%d GB\t%d\t%s\n", or(r.Name), r.ID, r.Type, r.Size, r.BackupCount, or(string(r.ProtectStatus)))
		}
	})
}

// outcomeTable shows what became of each resource.
func outcomeTable(backups []checkpoints.BackupOutcome) string {
	return table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "RESOURCE\tID\tBACKUP\tOUTCOME")
		for _, b := range backups {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", or(b.ResourceName), b.ResourceID, or(b.BackupID), outcome(b))
		}
	})
}

// outcome is what became of a resource, in words.
func outcome(backup checkpoints.BackupOutcome) string {
	err := backup.Err()
	what := "failed"
	switch {
	case err == nil:
		return "backed up"
	case errors.Is(err, checkpoints.ErrSkipped):
		what = "skipped"
	case errors.Is(err, checkpoints.ErrTimedOut):
		what = "timed out"
	}
	why := strings.Trim(backup.Code+": "+backup.Reason, ": ")
	return strings.Join(strings.Fields(what+": "+cmp.Or(why, err.Error())), " ")
}

func or(text string) string { return cmp.Or(text, "–") }

func table(fill func(*tabwriter.Writer)) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fill(table)
	_ = table.Flush() // a Builder takes everything
	return text.String()
}
