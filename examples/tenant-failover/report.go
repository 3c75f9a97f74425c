package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
)

// none is an empty cell.
const none = "–"

// dryRunTable shows what a first run would do.
func (r *runbook) dryRunTable(found candidates) string {
	return table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "TENANT\tPLAN\tORDER\tMACHINE\tNEWEST POINT\tAGE\tSTATE\tVERDICT")
		for _, c := range found {
			for _, vm := range c.VMs {
				newest, age := none, none
				if created := vm.Newest.CreationTimeUTC; !created.IsZero() {
					newest, age = clock(created.Time), short(time.Since(created.Time))
				}
				fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", plain(c.Plan.TenantName), plain(c.Plan.Name), vm.Order, plain(vm.Name),
					newest, age, plain(cmp.Or(string(vm.Newest.State), none)), r.verdict(c, vm.Replicas, r.refusal(vm)))
			}
			if len(c.VMs) == 0 {
				fmt.Fprintf(table, "%s\t%s\t\t%s\t\t\t\trefused: it holds no machine\n", plain(c.Plan.TenantName), plain(c.Plan.Name), none)
			}
		}
	})
}

func (r *runbook) verdict(c candidate, replicas int, refusal string) string {
	verdict := "would be " + done[r.test]
	if r.test {
		verdict = "would be tested"
	}
	switch {
	case refusal != "" && r.unready:
		verdict += ", although it " + refusal
	case refusal != "":
		verdict = "refused: it " + refusal
	case len(c.refusals) > 0:
		verdict = "not begun, because of others"
	}
	if replicas > 1 {
		verdict += fmt.Sprintf("; %d replicas have a machine of that name", replicas)
	}
	return verdict
}

// report shows what became of every plan and every machine.
func (r *runbook) report(plans []*plan, steps map[string]drkit.Step) string {
	return table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "PLAN\tMACHINE\tPOINT\tTOOK\tRESULT")
		for _, p := range plans {
			fmt.Fprintf(table, "%s\t%s\t\t%s\t%s\n", plain(p.Name), numbered(len(p.Machines), "machine"),
				took(steps[r.agreed.key(p.planned)]), p.result(r.agreed.Test))
			for _, machine := range p.session.CloudFailoverTasks {
				took := none
				if !machine.EndTimeUTC.IsZero() && !machine.CreationTimeUTC.IsZero() {
					took = brief(machine.EndTimeUTC.Sub(machine.CreationTimeUTC.Time))
				}
				fmt.Fprintf(table, "\t%s\t%s\t%s\t%s\n", plain(machine.VMName), cmp.Or(p.points[machine.VMName], none), took, stand(machine))
			}
		}
	})
}

func (p *plan) result(test bool) string {
	if p.err != nil {
		return oneLine(p.err.Error())
	}
	return done[test]
}

// took is the time from the request to the end, over all runs.
func took(step drkit.Step) string {
	if step.Ended.IsZero() || step.Began.IsZero() {
		return none
	}
	return brief(step.Ended.Sub(step.Began))
}

// printStatus shows what a journal says. It asks no service, and does not mind a run that is at work.
func printStatus(file string, out io.Writer) error {
	all, err := drkit.ReadJournal(file)
	if err != nil {
		return err
	}
	steps := byKey(all)
	settled, there := steps[agreementKey]
	if !there {
		fmt.Fprintln(out, "nothing is planned yet")
		return nil
	}
	agreed, err := readAgreement(settled)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s of tenant %s\n\n%s", doing[agreed.Test], plain(agreed.Tenant), table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "PLAN\tKEY\tSTATE\tSENT\tBEGAN\tTOOK\tRESULT")
		for _, p := range agreed.Plans {
			fmt.Fprintf(table, "%s\t%s\t%s\n", plain(p.Name), agreed.key(p), columns(steps[agreed.key(p)]))
		}
	}))
	fmt.Fprint(out, adviseFrom(agreed, steps))
	return nil
}

// columns are what there is to say of a step, begun or not.
func columns(s drkit.Step) string {
	began, result := none, none
	if !s.Began.IsZero() {
		began = clock(s.Began)
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
	return fmt.Sprintf("%s\t%d\t%s\t%s\t%s", cmp.Or(string(s.State), "ready"), s.Sent, began, took(s), oneLine(result))
}

// summary says in words what a journal has kept of a session.
func summary(result []byte) string {
	var session cloudreplica.CloudFailoverSession
	if json.Unmarshal(result, &session) != nil {
		return none
	}
	return fmt.Sprintf("%d of %s succeeded", succeeded(session), numbered(len(session.CloudFailoverTasks), "machine"))
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

func numbered(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func are(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

// short is for ages, brief for what a run has taken.
func short(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

func brief(d time.Duration) string {
	if d < time.Minute {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func oneLine(text string) string { return plain(strings.Join(strings.Fields(text), " ")) }

// plain shows what cannot be seen. Tenants choose names, which a terminal would obey.
func plain(name string) string {
	unseen := func(r rune) bool { return !strconv.IsPrint(r) }
	if !strings.ContainsFunc(name, unseen) {
		return name
	}
	var shown strings.Builder
	for _, r := range name {
		if unseen(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			shown.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		shown.WriteRune(r)
	}
	return shown.String()
}
