package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// verdict is what the allow-list says of a request.
type verdict string

const (
	accept verdict = "accept"
	reject verdict = "reject"
	leave  verdict = "leave" // for somebody to look at
	none   verdict = "none"  // an allowed source without a request
	resume verdict = "wait"  // for a decision of an earlier run, or of somebody else
)

// decision is what is to become of one request, and what became of it.
type decision struct {
	request unitrends.ID
	source  unitrends.System // as far as the target tells
	label   string           // of the source, for people
	verdict verdict
	reason  string
	storage unitrends.StorageArea // of an acceptance; its zero value leaves that to the target

	poller  *drkit.Poller[unitrends.System] // once the decision is made
	settled unitrends.System
	token   string // to go on waiting with, where the wait has ended before the decision has settled
	err     error
}

// decideAll finds out what asks, decides, waits and reports.
func decideAll(ctx context.Context, target *unitrends.Client, chosen settings, out io.Writer) error {
	decisions, err := begin(ctx, target, chosen)
	if err != nil {
		return err
	}
	if len(decisions) == 0 {
		fmt.Fprintln(out, "no source asks, and none is allowed")
		return nil
	}
	if chosen.dryRun {
		fmt.Fprint(out, planTable(decisions), "dry run: nothing was changed\n")
		return nil
	}
	// A failure is the decision's own: it does not keep the others from being made. Each waits for its own source, so
	// they all wait at once.
	said := &lines{out: out}
	outcomes, _ := drkit.ForEach(ctx, decisions, len(decisions), func(ctx context.Context, d *decision) (struct{}, error) {
		return struct{}{}, d.make(ctx, target, chosen, said)
	})
	for i, outcome := range outcomes {
		decisions[i].err = outcome.Err
	}
	fmt.Fprint(out, outcomeTable(decisions), unsettled(decisions))
	return conclude(ctx, decisions)
}

// begin returns what there is to decide, or what was decided and is to be waited for.
func begin(ctx context.Context, target *unitrends.Client, chosen settings) ([]*decision, error) {
	if len(chosen.tokens) == 0 {
		return plan(ctx, target, chosen)
	}
	var decisions []*decision
	for _, token := range chosen.tokens {
		poller, err := unitrends.Resume[unitrends.System](target, token)
		if err != nil {
			return nil, err
		}
		decisions = append(decisions, &decision{label: poller.ID(), verdict: resume, reason: "decided by an earlier run", poller: poller})
	}
	return decisions, nil
}

// make sends a decision and waits until it has settled.
func (d *decision) make(ctx context.Context, target *unitrends.Client, chosen settings, said *lines) (err error) {
	switch d.verdict {
	case accept:
		var terms unitrends.Acceptance
		if d.storage.ID != "" {
			terms.StorageID = drkit.Some(d.storage.ID)
		}
		d.poller, err = target.Sources.Accept(ctx, d.request, terms)
	case reject:
		d.poller, err = target.Sources.Reject(ctx, d.request, chosen.message)
	case leave:
		return errors.New("left pending: " + d.reason)
	case none:
		return d.err
	case resume: // it is made
	}
	if err != nil {
		return err
	}
	said.say("%s: %s; waiting until that has settled", d.label, d.made())
	if err := d.wait(ctx, chosen.patience); err != nil {
		return err
	}
	return d.keepStorage(ctx, target)
}

// keepStorage sees to it that copies go where the allow-list says. An acceptance whose answer was lost may be that of
// somebody else at the same moment, with another storage, and nothing tells the two apart.
func (d *decision) keepStorage(ctx context.Context, target *unitrends.Client) error {
	if d.verdict != accept || d.storage.ID == "" || !d.poller.Adopted() {
		return nil
	}
	_, err := target.Sources.Update(ctx, d.settled.ID, unitrends.SourceUpdate{StorageID: drkit.Some(d.storage.ID)})
	if err != nil {
		return fmt.Errorf("accepted, but whether its copies go to %s is not known: %w", d.storage.Name, err)
	}
	return nil
}

// made says in a word what the decision was.
func (d *decision) made() string {
	return map[verdict]string{accept: "accepted", reject: "rejected", resume: "decided"}[d.verdict]
}

// wait waits until a decision has settled, and else keeps what another run needs to go on.
func (d *decision) wait(ctx context.Context, patience time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var err error
	if d.settled, err = d.poller.Wait(limited); err == nil || d.poller.Done() || errors.Is(err, drkit.ErrToken) {
		return err
	}
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var lost error
	if d.token, lost = d.poller.ResumeToken(asking); lost != nil {
		lost = fmt.Errorf("there is no way to go on waiting: %w", lost)
	}
	switch made := d.made(); {
	case ctx.Err() != nil:
		err = fmt.Errorf("%s, but interrupted before that has settled: %w", made, ctx.Err())
	case limited.Err() != nil:
		err = fmt.Errorf("%s, but that has not settled within %v", made, patience)
	default:
		err = fmt.Errorf("%s, but whether that has settled is not known: %w", made, err)
	}
	return errors.Join(err, lost)
}

// conclude is the end of the run.
func conclude(ctx context.Context, decisions []*decision) error {
	failed := 0
	for _, d := range decisions {
		if d.err != nil {
			failed++
		}
	}
	switch {
	case failed == 0:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted, and %d of %d need somebody to look: %w", failed, len(decisions), ctx.Err())
	default:
		return fmt.Errorf("%d of %d need somebody to look", failed, len(decisions))
	}
}
