package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
)

// runbook is one run.
type runbook struct {
	settings
	client  *cloudreplica.Client
	journal drkit.Journal
	agreed  agreement
	log     *log.Logger // plans that are under way at the same time share it
}

// plan is a plan of the agreement, and what this run knows of it.
type plan struct {
	planned
	session cloudreplica.CloudFailoverSession // the zero one while it is not known how it has ended
	points  map[string]string                 // when the points were created that its machines have come up from
	err     error
}

func newRunbook(client *cloudreplica.Client, journal drkit.Journal, chosen settings, out io.Writer) *runbook {
	return &runbook{settings: chosen, client: client, journal: journal, log: log.New(out, "", log.Ltime)}
}

// rehearse shows what a first run would do.
func (r *runbook) rehearse(ctx context.Context) error {
	checked, err := r.look(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(r.log.Writer(), r.dryRunTable(checked), "dry run: nothing was started\n")
	if refused := len(checked.refused()); refused > 0 {
		return fmt.Errorf("%d of %d plans must not be started", refused, len(checked))
	}
	return nil
}

// run goes through the plans; what earlier runs have done is found done.
func (r *runbook) run(ctx context.Context) error {
	if err := r.agree(ctx); err != nil {
		return err
	}
	var plans []*plan
	for _, p := range r.agreed.Plans {
		plans = append(plans, &plan{planned: p})
	}
	r.log.Printf("%s: %s", doing[r.agreed.Test], numbered(len(plans), "plan"))
	outcomes, _ := drkit.ForEach(ctx, plans, r.parallel, func(ctx context.Context, p *plan) (struct{}, error) {
		return struct{}{}, r.take(ctx, p)
	})
	missing := 0
	for i, outcome := range outcomes {
		if plans[i].err = outcome.Err; plans[i].err != nil {
			missing++
		}
	}
	if ctx.Err() != nil {
		r.log.Print("interrupted: nothing new is begun; what is under way goes on, and the next run finds it")
	}
	steps, err := r.journal.Steps(context.WithoutCancel(ctx))
	if err != nil {
		return join(ctx.Err(), err)
	}
	r.log.Printf("in the end:\n\n%s%s\n", r.report(plans, byKey(steps)), r.advise(plans, byKey(steps)))
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %w", ctx.Err())
	case missing > 0:
		return fmt.Errorf("%d of %s not %s", missing, are(len(plans), "plan"), done[r.agreed.Test])
	default:
		return nil
	}
}

var (
	doing = map[bool]string{false: "failover", true: "test"}
	done  = map[bool]string{false: "failed over", true: "tested well"}
)

type poller = drkit.Poller[cloudreplica.CloudFailoverSession]

// take takes a plan to its end, from wherever earlier runs have left it.
func (r *runbook) take(ctx context.Context, p *plan) error {
	if err := r.stillReady(ctx, p); err != nil {
		return err
	}
	// An interrupt does not cut the request off, because its answer saves the next run the search for its session.
	work, err := drkit.Once(context.WithoutCancel(ctx), r.journal, r.agreed.key(p.planned), func(ctx context.Context) (*poller, error) {
		if r.agreed.Test {
			return r.client.FailoverPlans.Test(ctx, p.ID)
		}
		return r.client.FailoverPlans.Start(ctx, p.ID, cloudreplica.FailoverStart{Before: r.agreed.Before})
	})
	if work == nil {
		return r.untouched(ctx, p, err)
	}
	unsaved := err // it runs all the same
	if !work.Done() {
		r.log.Printf("  %s: begun", plain(p.Name))
	}
	follower := &follower{runbook: r, plan: p, seen: map[string]string{}}
	session, err := work.Wait(ctx, drkit.OnProgress(func(drkit.Progress) { follower.look(ctx) }))
	if !work.Done() {
		return join(err, unsaved)
	}
	p.session = session
	var failed *drkit.TaskError
	if errors.As(err, &failed) && failed.ResourceID != "" && failed.ResourceID != p.ID {
		// The error says it all in one line; the session says it machine by machine.
		if told, lost := r.client.FailoverSessions.Get(ctx, failed.ResourceID); lost == nil {
			p.session = told
		}
	}
	if err == nil {
		err = session.Err()
	}
	follower.tell(p.session)
	r.findPoints(ctx, p)
	r.log.Printf("  %s: ended, %d of %s succeeded", plain(p.Name), succeeded(p.session), numbered(len(p.Machines), "machine"))
	return join(err, unsaved)
}

// untouched lets the next run start a plan whose request was lost, and of which this logon session has no task: that
// proves that nothing has begun. The next run has another session, and could not tell any more.
func (r *runbook) untouched(ctx context.Context, p *plan, err error) error {
	var unknown *drkit.OutcomeUnknownError
	if !errors.Is(err, drkit.ErrOutcomeUnknown) || !errors.As(err, &unknown) || !unknown.Untouched {
		return err
	}
	if failed := drkit.Retry(context.WithoutCancel(ctx), r.journal, r.agreed.key(p.planned)); failed != nil {
		return join(err, failed)
	}
	return fmt.Errorf("not begun: %w", unknown.Err)
}

// stillReady looks again at a plan that was not begun by the run that has agreed on it.
func (r *runbook) stillReady(ctx context.Context, p *plan) error {
	step, err := r.journal.Load(ctx, r.agreed.key(p.planned))
	switch {
	case err == nil && step.State != drkit.StepReady:
		return nil
	case err != nil && !errors.Is(err, drkit.ErrNotFound):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("not begun: %w", ctx.Err())
	}
	c, err := r.inspect(ctx, p.ID)
	if err == nil && len(c.refusals) > 0 {
		err = fmt.Errorf("not begun: %s", strings.Join(c.refusals, ", "))
	}
	return err
}

// findPoints finds out when the points were created that the machines have come up from.
func (r *runbook) findPoints(ctx context.Context, p *plan) {
	p.points = map[string]string{}
	for _, machine := range p.session.CloudFailoverTasks {
		if machine.VMReplicaPointLink == nil || machine.VMReplicaPointLink.ID() == "" {
			continue
		}
		if point, err := r.client.VMReplicaPoints.Get(ctx, machine.VMReplicaPointLink.ID()); err == nil {
			p.points[machine.VMName] = clock(point.CreationTimeUTC.Time)
		}
	}
}

func succeeded(session cloudreplica.CloudFailoverSession) int {
	return len(session.CloudFailoverTasks) - len(session.NotSucceeded())
}

// follower tells how the machines of a plan get on. That is for people to watch, and nothing hangs on it: what cannot
// be read is left out.
type follower struct {
	*runbook
	plan    *plan
	session string            // id, once it is known
	seen    map[string]string // what was told last, by machine
}

// look tells what is new.
func (f *follower) look(ctx context.Context) {
	if f.session == "" {
		f.session = f.find(ctx)
	}
	if f.session == "" {
		return
	}
	if session, err := f.client.FailoverSessions.Get(ctx, f.session); err == nil {
		f.tell(session)
	}
}

// find returns the session of the plan that is under way: a plan has one at a time.
func (f *follower) find(ctx context.Context) string {
	all, err := drkit.Collect(f.client.FailoverSessions.Query(ctx, cloudreplica.Query[cloudreplica.CloudFailoverSession]{
		Filter: cloudreplica.FailoverSessionFieldName.Is(f.plan.Name),
	}))
	if errors.Is(err, drkit.ErrForbidden) { // tenants may not query
		all, err = f.client.FailoverSessions.List(ctx)
	}
	found := ""
	for _, session := range all {
		server, _ := session.BackupServer()
		if session.Ended() || session.Name != f.plan.Name || server.ID() != f.plan.Server {
			continue
		}
		if found != "" {
			return "" // another plan has that name
		}
		found = session.ID()
	}
	if err != nil {
		return ""
	}
	return found
}

// tell prints what has become of machines since the last time.
func (f *follower) tell(session cloudreplica.CloudFailoverSession) {
	for _, machine := range session.CloudFailoverTasks {
		now := stand(machine)
		if now == f.seen[machine.VMName] {
			continue
		}
		f.seen[machine.VMName] = now
		f.log.Printf("  %s: %s: %s", plain(f.plan.Name), plain(machine.VMName), now)
	}
}

// stand is how a machine gets on, in a few words.
func stand(machine cloudreplica.CloudFailoverTask) string {
	if machine.State != cloudreplica.SessionStateStopped {
		return plain(strings.ToLower(string(machine.State)))
	}
	said := plain(strings.ToLower(string(machine.Result)))
	if machine.FailureMessage != "" {
		said += ": " + oneLine(machine.FailureMessage)
	}
	return said
}
