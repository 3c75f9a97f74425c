package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// runbook is one run.
type runbook struct {
	settings
	client  *vcav.Client
	journal drkit.Journal
	plan    plan
	waves   [][]*machine
	log     *log.Logger // machines that are failed over at the same time share it
}

// machine is a machine of the plan, and what this run knows of it.
type machine struct {
	planned
	cells     map[string]string // what each step came to
	notes     []string          // what does not keep it from being recovered
	recovered string            // id of the machine at the recovery site, once it is verified
	err       error
}

func newRunbook(client *vcav.Client, journal drkit.Journal, chosen settings, out io.Writer) *runbook {
	return &runbook{settings: chosen, client: client, journal: journal, log: log.New(out, "", log.Ltime)}
}

// run goes through the plan from its beginning; what earlier runs have done is found done.
func (r *runbook) run(ctx context.Context) error {
	changed, err := r.agree(ctx)
	if err != nil {
		return err
	}
	for _, wave := range r.plan.Waves {
		var machines []*machine
		for _, p := range wave {
			machines = append(machines, &machine{planned: p, cells: map[string]string{}})
		}
		r.waves = append(r.waves, machines)
	}
	why := r.failOverAll(ctx)
	steps, err := r.journal.Steps(context.WithoutCancel(ctx))
	if err != nil {
		return join(why, err)
	}
	report, missing := r.report(byKey(steps))
	r.log.Printf("in the end:\n\n%s\n", report)
	for _, m := range changed.gone {
		r.log.Printf("%s (%s) is no longer replicated from %s", m.Name, m.ID, r.plan.Site)
	}
	for _, m := range changed.come {
		r.log.Printf("%s (%s) has come after the plan was made, and is not failed over: a run with another journal takes it", m.Name, m.ID)
	}
	switch {
	case why != nil:
		return why
	case missing > 0:
		return fmt.Errorf("%d of %d machines are not recovered", missing, len(slices.Concat(r.waves...)))
	case len(changed.come) > 0:
		return fmt.Errorf("not in the plan: %s", names(changed.come))
	default:
		return nil
	}
}

// failOverAll takes wave after wave. A machine that cannot be recovered does not keep the others down, unless
// the settings say so: after a disaster, the rest of the site is worth more than the order.
func (r *runbook) failOverAll(ctx context.Context) error {
	var why error // no further wave begins
	for i, wave := range r.waves {
		number := i + 1
		if why != nil {
			for _, m := range wave {
				m.err = fmt.Errorf("not begun: %w", why)
			}
			continue
		}
		r.log.Printf("wave %d of %d: %s", number, len(r.waves), names(r.plan.Waves[i]))
		outcomes, err := drkit.ForEach(ctx, wave, r.parallel, func(ctx context.Context, m *machine) (struct{}, error) {
			return struct{}{}, r.recover(ctx, m)
		})
		for j, outcome := range outcomes {
			wave[j].err = outcome.Err
		}
		switch {
		case ctx.Err() != nil:
			r.log.Print("interrupted: nothing new is begun; what is under way goes on at the appliance, and the next run finds it")
			why = fmt.Errorf("interrupted: %w", ctx.Err())
		case err != nil && r.stop:
			why = fmt.Errorf("wave %d failed", number)
		}
	}
	return why
}

func names(wave []planned) string {
	var names []string
	for _, m := range wave {
		names = append(names, m.Name)
	}
	return strings.Join(names, ", ")
}

// The steps of a machine. Those that must not repeat are in the journal.
const (
	stepSync     = "sync"
	stepPause    = "pause"
	stepFailover = "failover"
	stepVerify   = "verify"
)

// recover takes a machine through its steps.
func (r *runbook) recover(ctx context.Context, m *machine) error {
	state, err := r.state(ctx, m, stepFailover)
	if err != nil {
		return err
	}
	if state == drkit.StepReady { // else it is too late for what comes before a failover
		done, err := r.prepare(ctx, m)
		if err != nil {
			return err
		}
		if done {
			m.note("by somebody else, or before this journal was begun")
			return r.verify(ctx, m, "")
		}
	}
	done, err := r.once(ctx, m, stepFailover, func(ctx context.Context, id string) (*poller, error) {
		return r.client.VMReplications.Failover(ctx, id, m.request())
	})
	if err != nil {
		return err
	}
	return r.verify(ctx, m, recoveredAs(done))
}

// state returns how far the journal says that a step has come.
func (r *runbook) state(ctx context.Context, m *machine, step string) (drkit.StepState, error) {
	s, err := r.journal.Load(ctx, m.key(step))
	if errors.Is(err, drkit.ErrNotFound) {
		return drkit.StepReady, nil
	}
	return s.State, err
}

// request asks for a machine that is powered on. It must be the same in every run.
func (m *machine) request() vcav.FailoverRequest {
	if m.OnPremises {
		return vcav.VCenterFailover{PowerOn: true}
	}
	return vcav.CloudFailover{PowerOn: true}
}

// prepare gets as much out of the source as it still gives. Done says that the machine is recovered already.
//
// The synchronization comes before the pause, because what is paused does not synchronize. The pause then keeps
// a source that comes and goes from sending more while the failover is under way.
func (r *runbook) prepare(ctx context.Context, m *machine) (done bool, err error) {
	replication, err := r.client.VMReplications.Get(ctx, m.ID)
	switch {
	case err != nil:
		return false, err
	case replication.Source.Site != r.plan.Site: // a failover would take the machine back
		return false, fmt.Errorf("it is replicated from %s now", replication.Source.Site)
	case recoveryState(replication) == vcav.RecoveryStateComplete:
		return true, nil
	}
	if err := r.synchronize(ctx, m, replication); err != nil {
		if r.sync == syncMust || ctx.Err() != nil {
			return false, fmt.Errorf("not synchronized: %w", err)
		}
		m.note("not synchronized: %v", err)
	}
	if err := r.pause(ctx, m, replication.IsPaused); err != nil {
		if ctx.Err() != nil {
			return false, err
		}
		m.note("not paused: %v", err) // a failover does without
	}
	return false, nil
}

// synchronize brings the replica up to date for the last time.
func (r *runbook) synchronize(ctx context.Context, m *machine, replication vcav.VMReplication) error {
	state, err := r.state(ctx, m, stepSync)
	switch {
	case err != nil:
		return err
	case state != drkit.StepReady: // an earlier run has begun it
	case r.sync == syncNo:
		return nil
	case replication.IsPaused:
		return errors.New("it was paused before")
	case replication.DataConnectionState == vcav.DataConnectionStateError:
		return fmt.Errorf("site %s does not answer", replication.Source.Site)
	}
	_, err = r.once(ctx, m, stepSync, r.client.VMReplications.Sync)
	var unknown *drkit.OutcomeUnknownError
	if errors.As(err, &unknown) && unknown.Untouched && r.sync != syncNo && ctx.Err() == nil {
		// One synchronization more than planned harms nobody. A failover is left to Once, and to people.
		drkit.Discard(err)
		if err := drkit.Retry(ctx, r.journal, m.key(stepSync)); err != nil {
			return err
		}
		_, err = r.once(ctx, m, stepSync, r.client.VMReplications.Sync)
	}
	if errors.Is(err, drkit.ErrOutcomeUnknown) {
		drkit.Discard(err) // it would keep the failover from being sent
	}
	return err
}

// pause stops the replication. It may be repeated, and so needs no journal.
func (r *runbook) pause(ctx context.Context, m *machine, paused bool) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("pause not begun: %w", ctx.Err())
	case paused:
		m.cells[stepPause] = "ok"
		return nil
	}
	task, err := r.client.VMReplications.Pause(ctx, m.ID)
	if err == nil {
		_, err = task.Wait(ctx)
	}
	m.cells[stepPause] = cell(err)
	return err
}

type poller = drkit.Poller[vcav.VMReplication]

// once takes a step that must not repeat to its end, from wherever earlier runs have left it.
func (r *runbook) once(ctx context.Context, m *machine, step string, start func(context.Context, string) (*poller, error)) (vcav.VMReplication, error) {
	if ctx.Err() != nil {
		return vcav.VMReplication{}, fmt.Errorf("%s not begun: %w", step, ctx.Err())
	}
	// An interrupt does not cut the request off, because its answer saves the next run the search for its task.
	task, err := drkit.Once(context.WithoutCancel(ctx), r.journal, m.key(step), func(ctx context.Context) (*poller, error) {
		return start(ctx, m.ID)
	})
	if task == nil {
		m.cells[step] = cell(err)
		return vcav.VMReplication{}, err
	}
	unsaved := err // it runs all the same
	if !task.Done() {
		r.log.Printf("  %s: %s is task %s", m.Name, step, task.ID())
	}
	replication, err := task.Wait(ctx)
	m.cells[step] = cell(err)
	if err == nil {
		r.log.Printf("  %s: %s done", m.Name, step)
	}
	return replication, join(err, unsaved)
}

// cell says in a word what came of a step.
func cell(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, drkit.ErrOutcomeUnknown):
		return "unknown"
	case errors.Is(err, context.Canceled):
		return "goes on"
	default:
		return "failed"
	}
}

// verify asks for what is there in the end, whatever the failover itself has said. The failover has made the
// machine that is expected, if one is.
func (r *runbook) verify(ctx context.Context, m *machine, expected string) error {
	m.cells[stepVerify] = "failed"
	replication, err := r.client.VMReplications.Get(ctx, m.ID)
	switch recovered := recoveredAs(replication); {
	case err != nil:
		return fmt.Errorf("not verified: %w", err)
	case expected != "" && replication.Source.Site != r.plan.Site: // which has ended the recovery
		m.note("protected in the other direction since")
		m.recovered = expected
	case recoveryState(replication) != vcav.RecoveryStateComplete:
		return fmt.Errorf("not verified: its recovery is %s", recoveryState(replication))
	case recovered == "":
		return errors.New("not verified: no recovered machine is known")
	case expected != "" && recovered != expected:
		return fmt.Errorf("not verified: it was recovered as %s, and is %s now", expected, recovered)
	default:
		m.recovered = recovered
	}
	m.cells[stepVerify] = "ok"
	return nil
}

// recoveredAs returns the id of the recovered machine, or nothing where none is known.
func recoveredAs(replication vcav.VMReplication) string {
	if info := replication.DestinationState.RecoveryInfo; info != nil {
		return cmp.Or(info.VCDVMID, info.VMID)
	}
	return ""
}

func recoveryState(replication vcav.VMReplication) vcav.RecoveryState {
	if info := replication.DestinationState.RecoveryInfo; info != nil {
		return info.RecoveryState
	}
	return vcav.RecoveryStateNotStarted
}

func (m *machine) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}
