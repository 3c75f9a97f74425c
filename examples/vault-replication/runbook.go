package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// runbook is one run.
type runbook struct {
	settings
	regions regions
	journal drkit.Journal
	plan    plan
	vaults  []*vault
	log     *log.Logger // vaults that are replicated at the same time share it
}

// vault is a vault of the plan, and what this run knows of it.
type vault struct {
	planned
	ended      bool                      // whether it is known how its replication has ended
	copies     []checkpoints.CopyOutcome // once it has ended
	verified   bool                      // whether its copies were looked for
	found      found                     // by then
	exceptions []exception               // backups without a copy
	notes      []string                  // what does not keep it from being replicated
	err        error
}

func newRunbook(at regions, journal drkit.Journal, chosen settings, out io.Writer) *runbook {
	return &runbook{settings: chosen, regions: at, journal: journal, log: log.New(out, "", log.Ltime)}
}

// rehearse shows what a first run would do.
func (r *runbook) rehearse(ctx context.Context) error {
	checked, err := r.look(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(r.log.Writer(), dryRunTable(checked), "dry run: nothing was changed\n")
	if refused := len(checked.refused()); refused > 0 {
		return fmt.Errorf("%d of %d vaults must not be replicated", refused, len(checked))
	}
	return nil
}

// run goes through the plan from its beginning; what earlier runs have done is found done.
func (r *runbook) run(ctx context.Context) error {
	if err := r.agree(ctx); err != nil {
		return err
	}
	for _, p := range r.plan.Vaults {
		r.vaults = append(r.vaults, &vault{planned: p})
	}
	r.log.Printf("%d vaults are replicated to %s", len(r.vaults), r.to.Region)
	r.each(ctx, r.vaults, r.replicate)
	if ctx.Err() != nil {
		r.log.Print("interrupted: nothing new is begun; what is under way goes on in the cloud, and the next run finds it")
		for _, v := range r.vaults {
			if v.err == nil {
				v.err = errors.New("not verified")
			}
		}
	} else {
		r.verifyAll(ctx)
	}
	steps, err := r.journal.Steps(context.WithoutCancel(ctx))
	if err != nil {
		return join(ctx.Err(), err)
	}
	report, missing := r.report(byKey(steps))
	r.log.Printf("in the end:\n\n%s\n", report)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %w", ctx.Err())
	case missing > 0:
		return fmt.Errorf("%d of %d vaults are not replicated", missing, len(r.vaults))
	default:
		return nil
	}
}

// each does something with several vaults at a time. What fails for one does not keep the others from it.
func (r *runbook) each(ctx context.Context, vaults []*vault, do func(context.Context, *vault) error) {
	outcomes, _ := drkit.ForEach(ctx, vaults, r.parallel, func(ctx context.Context, v *vault) (struct{}, error) {
		return struct{}{}, do(ctx, v)
	})
	for i, outcome := range outcomes {
		if vaults[i].err == nil {
			vaults[i].err = outcome.Err
		}
	}
}

// replicate takes the replication of a vault to its end, from wherever earlier runs have left it.
func (r *runbook) replicate(ctx context.Context, v *vault) error {
	// An interrupt does not cut the request off, because its answer saves the next run the search for its copies.
	work, err := drkit.Once(context.WithoutCancel(ctx), r.journal, v.key(), func(ctx context.Context) (*drkit.Poller[checkpoints.ReplicationResult], error) {
		return r.regions.source.Checkpoints.Replicate(ctx, v.request(r.plan), checkpoints.FollowAt(r.regions.destination.Client))
	})
	if work == nil {
		return err
	}
	unsaved := err // it runs all the same
	if !work.Done() {
		r.log.Printf("  %s: on its way to %s", v.Name, v.Into)
	}
	result, err := work.Wait(ctx)
	if !work.Done() {
		return join(err, unsaved)
	}
	v.ended, v.copies = true, result.Copies
	if outcomes := checkpoints.CopyOutcomesOf(err); outcomes != nil { // what there is in the end decides
		v.copies, err = outcomes, nil
	}
	r.log.Printf("  %s: ended, %d of %d backups copied", v.Name, v.count(succeeded), len(v.copies))
	return join(err, unsaved)
}

// request asks for the copies of a vault. It must be the same in every run.
func (p planned) request(of plan) checkpoints.CheckpointReplicateParam {
	return checkpoints.CheckpointReplicateParam{
		VaultID: p.ID, DestinationVaultID: p.Destination, DestinationProjectID: of.ToProject, DestinationRegion: of.To.Region,
	}
}

// count says how many backups have ended in some way.
func (v *vault) count(how func(checkpoints.CopyOutcome) bool) int {
	n := 0
	for _, one := range v.copies {
		if how(one) {
			n++
		}
	}
	return n
}

func succeeded(one checkpoints.CopyOutcome) bool { return one.Err() == nil }

func skipped(one checkpoints.CopyOutcome) bool { return errors.Is(one.Err(), checkpoints.ErrSkipped) }

func failed(one checkpoints.CopyOutcome) bool { return !succeeded(one) && !skipped(one) }
