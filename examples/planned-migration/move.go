package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// runbook is one run.
type runbook struct {
	settings
	client   *vcav.Client
	machines [][]*machine // wave by wave
	log      *log.Logger  // machines that move at the same time share it
}

func newRunbook(client *vcav.Client, chosen settings, out io.Writer) *runbook {
	return &runbook{settings: chosen, client: client, log: log.New(out, "", log.Ltime)}
}

// run looks at all machines, moves them if all of them may move, and prints what came of it.
func (r *runbook) run(ctx context.Context) error {
	query := vcav.VMReplicationQuery{Sort: []vcav.SortField{vcav.Asc("vmName")}}
	all, err := drkit.Collect(r.client.VMReplications.List(ctx, query))
	if err != nil {
		return err
	}
	if r.machines, err = r.plan(all); err != nil {
		return err
	}
	ready, err := r.preflight(ctx)
	if err != nil {
		return err
	}
	r.log.Printf("before anything is changed:\n\n%s\n", r.planTable())
	switch {
	case !ready:
		return errors.New("not all machines may be migrated now: nothing was changed")
	case r.dryRun:
		r.log.Print("dry run: nothing was changed")
		return nil
	}
	err = r.moveAll(ctx)
	r.log.Printf("in the end:\n\n%s\n", r.outcomeTable())
	return err
}

// moveAll moves wave after wave, up to the first one that does not end well.
func (r *runbook) moveAll(ctx context.Context) error {
	var why error // no further wave begins
	for i, wave := range r.machines {
		number, wave := i+1, r.withWork(wave)
		if why != nil {
			r.log.Printf("wave %d of %d is not begun: %s", number, len(r.machines), names(wave))
			for _, m := range wave {
				m.err = fmt.Errorf("not begun: %w", why)
			}
			continue
		}
		r.log.Printf("wave %d of %d: %s", number, len(r.machines), names(wave))
		outcomes, err := drkit.ForEach(ctx, wave, r.parallel, func(ctx context.Context, m *machine) (struct{}, error) {
			return struct{}{}, r.move(ctx, m)
		})
		for j, outcome := range outcomes {
			wave[j].err = outcome.Err
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			r.log.Print("interrupted: nothing new is started; what is under way goes on at the appliance")
			why = fmt.Errorf("wave %d was interrupted: %w", number, ctx.Err())
		default:
			why = fmt.Errorf("wave %d failed", number)
		}
	}
	return why
}

// move takes a machine through its steps. It looks once more before them, because an earlier wave may have
// taken hours.
func (r *runbook) move(ctx context.Context, m *machine) error {
	began := time.Now()
	defer func() { m.cells["all"] = short(time.Since(began)) }()
	if err := r.look(ctx, m); err != nil {
		return err
	}
	switch m.check(r.to); {
	case len(m.refusals) > 0:
		return fmt.Errorf("no longer ready: %s", strings.Join(m.refusals, "; "))
	case !r.hasWork(m): // somebody else was faster
		return nil
	}
	replications := r.client.VMReplications
	if !m.migrated {
		if err := r.step(ctx, m, "sync", replications.Sync); err != nil {
			return err
		}
		err := r.step(ctx, m, "migrate", func(ctx context.Context, id string) (*poller, error) {
			return replications.Migrate(ctx, id, m.request())
		})
		if err != nil {
			return err
		}
	}
	if err := r.verify(ctx, m); err != nil {
		return fmt.Errorf("not verified: %w", err)
	}
	if r.reverse {
		return r.step(ctx, m, "reverse", replications.Reverse)
	}
	return nil
}

// request asks for a machine that is powered on. On-premises sites are those without organizations.
func (m *machine) request() vcav.MigrateRequest {
	if m.Destination.Org == "" {
		return vcav.VCenterMigrate{PowerOn: true}
	}
	return vcav.CloudMigrate{PowerOn: true}
}

// look reads the replication anew.
func (r *runbook) look(ctx context.Context, m *machine) error {
	replication, err := r.client.VMReplications.Get(ctx, m.ID)
	if err == nil {
		m.VMReplication = replication
	}
	return err
}

type poller = drkit.Poller[vcav.VMReplication]

// step starts one step, unless the run was interrupted, and waits for its end.
func (r *runbook) step(ctx context.Context, m *machine, name string, start func(context.Context, string) (*poller, error)) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s not begun: %w", name, ctx.Err())
	}
	began := time.Now()
	// An interrupt does not cut the request off, because its answer names the task. If that is lost, the client
	// finds the task.
	task, err := start(context.WithoutCancel(ctx), m.ID)
	switch {
	case errors.Is(err, drkit.ErrOutcomeUnknown):
		m.cells[name] = "unknown"
		return fmt.Errorf("%w; the next run looks again before it sends anything", err)
	case err != nil:
		m.cells[name] = "not begun"
		return err
	}
	r.log.Printf("  %s: %s is task %s", m.VMName, name, task.ID())
	_, err = task.Wait(ctx, drkit.OnProgress(func(p drkit.Progress) {
		r.log.Printf("  %s: %s %s %d %%", m.VMName, name, p.State, p.Percent)
	}))
	switch {
	case err == nil:
		m.cells[name] = short(time.Since(began))
		return nil
	case task.Done():
		m.cells[name] = "failed"
		return err
	case ctx.Err() != nil:
		m.cells[name] = "goes on"
		return fmt.Errorf("%s goes on as task %s: %w", name, task.ID(), ctx.Err())
	default: // the appliance has not answered for long, or no longer knows the task
		m.cells[name] = "not seen"
		return fmt.Errorf("the end of the %s was not seen: %w", name, err)
	}
}

// verify asks for what is there in the end, whatever the migration itself has said.
func (r *runbook) verify(ctx context.Context, m *machine) error {
	if err := r.look(ctx, m); err != nil {
		return err
	}
	m.cells["verify"] = "failed"
	if state := recoveryState(m.VMReplication); state != vcav.RecoveryStateComplete {
		return fmt.Errorf("its recovery is %s", state)
	}
	recovered := cmp.Or(m.DestinationState.RecoveryInfo.VCDVMID, m.DestinationState.RecoveryInfo.VMID)
	if recovered == "" {
		return errors.New("no recovered machine is known")
	}
	m.cells["verify"] = "ok"
	r.log.Printf("  %s: runs at %s as VM %s", m.VMName, r.to, recovered)
	return nil
}
