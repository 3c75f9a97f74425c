package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// report prints a line for each machine, a summary, and by name what is left behind.
func (j *job) report(replications []vcav.VMReplication, outcomes []drkit.Outcome[*rehearsal]) {
	var page, left strings.Builder
	table := tabwriter.NewWriter(&page, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nMACHINE\tAGE / RPO (H:MM)\tRESULT\tTOOK\tREASON")
	count := map[string]int{}
	for i, outcome := range outcomes {
		r := outcome.Result
		if r == nil { // its turn never came
			r = &rehearsal{replication: replications[i], at: time.Now(), result: notBegun, reason: outcome.Err.Error()}
		}
		count[r.result]++
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", oneLine(r.replication.VMName), r.age(), r.result,
			r.took.Round(100*time.Millisecond), oneLine(r.reason))
		if r.left {
			fmt.Fprintf(&left, "left behind: %s: %s, replication %s\n", oneLine(r.replication.VMName), r.remains(), r.replication.ID)
		}
	}
	_ = table.Flush() // a strings.Builder takes everything
	var summary []string
	for _, result := range []string{passed, failed, skipped, interrupted, notBegun} {
		if count[result] > 0 {
			summary = append(summary, fmt.Sprint(count[result], " ", result))
		}
	}
	fmt.Fprintf(&page, "\n%s: %s\n%s", j.org, strings.Join(summary, ", "), left.String())
	_, _ = io.WriteString(j.out, page.String())
}

// age returns how old the latest instance was before the test, and how old it may be.
func (r *rehearsal) age() string {
	age := "none"
	if latest := r.replication.DestinationState.LatestInstance; latest != nil {
		age = minutes(r.at.Sub(latest.Timestamp.Time))
	}
	return age + " / " + minutes(time.Duration(r.replication.Settings.RPO)*time.Minute)
}

// remains says what may be left of the test.
func (r *rehearsal) remains() string {
	if r.machine == "" {
		return "perhaps a test machine"
	}
	return "test machine " + r.machine
}

// minutes prints a duration in hours and minutes. The clocks of two machines may differ: none is negative.
func minutes(d time.Duration) string {
	all := int(max(d, 0).Round(time.Minute).Minutes())
	return fmt.Sprintf("%d:%02d", all/60, all%60)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
