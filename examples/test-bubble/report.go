package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// report prints a line for each machine, a summary, and by name what is left behind.
func (j *job) report(work []*rehearsal) {
	var left strings.Builder
	count := map[string]int{}
	page := table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "\nMACHINE\tINSTANCE\tRESULT\tTOOK\tREASON")
		for _, r := range work {
			r.result = cmp.Or(r.result, notBegun) // its turn never came
			count[r.result]++
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", oneLine(r.record.Name), moment(r.record.Taken), r.result,
				r.took.Round(100*time.Millisecond), oneLine(r.reason))
			if r.left {
				fmt.Fprintf(&left, "left behind: %s: %s; %s\n", oneLine(r.record.Name), r.remains(), r.advice())
			}
		}
	})
	var summary []string
	for _, result := range []string{passed, failed, skipped, interrupted, notBegun} {
		if count[result] > 0 {
			summary = append(summary, fmt.Sprint(count[result], " ", result))
		}
	}
	_, _ = io.WriteString(j.out, page+"\n"+strings.Join(summary, ", ")+"\n"+left.String())
}

// remains says what may be left.
func (r *rehearsal) remains() string {
	if r.record.Image == "" {
		return "perhaps a test bubble, replication " + r.record.ID
	}
	return "perhaps image " + r.record.Image + ", replication " + r.record.ID
}

// advice says who ends what is left.
func (r *rehearsal) advice() string {
	if r.doubtful {
		return "unless it is somebody else's test, clean it up, and run this journal again"
	}
	return "the next run with this journal ends it"
}

// show prints what would be rehearsed.
func (j *job) show(ctx context.Context) error {
	var records []record
	if j.file != "" {
		if saved, err := drkit.ReadJournal(j.file); err == nil { //nolint:contextcheck // a file is read, and nothing waits
			if records, err = recordsOf(saved); err != nil {
				return err
			}
		}
	}
	if err := j.enter(ctx); err != nil {
		return err
	}
	work, err := j.plan(ctx, records)
	if err != nil {
		return err
	}
	if err := j.showPlaces(ctx); err != nil {
		return err
	}
	rows := make([]string, len(work))
	for i, r := range work {
		if rows[i], err = r.show(ctx); err != nil {
			return err
		}
	}
	fmt.Fprint(j.out, table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "\nMACHINE\tREPLICATION\tSTATE\tINSTANCE\tWOULD")
		for _, row := range rows {
			fmt.Fprintln(table, row)
		}
	}))
	fmt.Fprintln(j.out, "\ndry run: nothing was changed")
	return j.cutOff
}

// showPlaces checks where the test machines would go, as far as that was said.
func (j *job) showPlaces(ctx context.Context) error {
	if j.folder == "" || j.compute == "" {
		return nil
	}
	return j.places(ctx)
}

// show says what would be done.
func (r *rehearsal) show(ctx context.Context) (string, error) {
	began := r.record
	would := "pause, test, clean up, resume"
	if err := r.prepare(ctx); err != nil {
		return "", err
	}
	switch paused := r.about.Status.Status == vsphere.ReplicationStatePaused; {
	case began.Round > 0 && !began.Over:
		would = "go on where an earlier run was cut off"
	case began.Result == passed:
		would = "nothing: it has passed"
	case r.reason != "":
		would = "skip it: " + r.reason
	case r.promote:
		would = "pause, test, promote, resume"
		fallthrough
	default:
		if paused {
			would = strings.TrimSuffix(strings.TrimPrefix(would, "pause, "), ", resume") + "; paused before, and so after it"
		}
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", oneLine(r.about.Name), r.about.ID, r.about.Status.Status, moment(r.record.Taken), would), nil
}

// printStatus shows what a journal says. It asks no appliance, and does not mind a run that is at work.
func printStatus(file string, out io.Writer) error {
	saved, err := drkit.ReadJournal(file)
	if err != nil {
		return err
	}
	text, err := statusOf(saved)
	fmt.Fprint(out, text)
	return err
}

// statusOf returns a line for each step that was begun, and one for each rehearsal.
func statusOf(saved []drkit.Step) (string, error) {
	records, err := recordsOf(saved)
	switch {
	case err != nil:
		return "", err
	case len(records) == 0:
		return "nothing was begun yet\n", nil
	}
	known := map[string]drkit.Step{}
	for _, step := range saved {
		known[step.Key] = step
	}
	return table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "MACHINE\tINSTANCE\tKEY\tSTATE\tBEGAN\tTOOK\tRESULT")
		for _, one := range records {
			for _, name := range steps {
				if step, begun := known[one.key(name)]; begun {
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", one.Name, moment(one.Taken), step.Key, columns(step))
				}
			}
			result := "under way: the next run goes on"
			if one.Over {
				result = strings.TrimSuffix(one.Result+": "+one.Reason, ": ")
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t\t\t\t%s\n", one.Name, moment(one.Taken), recordPrefix+one.ID, oneLine(result))
		}
	}), nil
}

// none is an empty cell.
const none = "–"

// columns are what there is to say of a step.
func columns(s drkit.Step) string {
	began, took, result := none, none, none
	if !s.Began.IsZero() {
		began = s.Began.Local().Format(time.DateTime)
	}
	if !s.Ended.IsZero() {
		took = s.Ended.Sub(s.Began).Round(10 * time.Millisecond).String()
	}
	switch s.State {
	case drkit.StepIntended:
		result = "the next run looks for it"
	case drkit.StepAccepted:
		result = "the next run waits for it"
	case drkit.StepFailed:
		result = oneLine(s.Err().Error())
	case drkit.StepReady, drkit.StepSucceeded:
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s", cmp.Or(string(s.State), "ready"), began, took, result)
}

// moment prints when an instance was taken.
func moment(at time.Time) string {
	if at.IsZero() {
		return none
	}
	return at.Local().Format("01-02 15:04")
}

func table(fill func(*tabwriter.Writer)) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fill(table)
	_ = table.Flush() // a Builder takes everything
	return text.String()
}

// both joins two errors on one line.
func both(first, second error) error {
	if first == nil || second == nil {
		return errors.Join(first, second)
	}
	return fmt.Errorf("%w; then: %w", first, second)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
