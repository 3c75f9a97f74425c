package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// What a rehearsal can come to.
const (
	passed      = "passed"
	failed      = "failed"
	skipped     = "skipped"
	interrupted = "interrupted" // after it had begun
	notBegun    = "not begun"
)

// rehearsal is the test of one replication, with what comes before and after it.
type rehearsal struct {
	*job
	record record
	about  vsphere.ReplicationInfo // as last seen before it began; empty for one that an earlier run has begun

	result string
	reason string // of a result other than passed
	took   time.Duration
	asked  bool // for this replication, and not only for the end of what an earlier run has left
	left   bool // something of it may be there

	doubtful bool // what is there may be somebody else's
}

// run rehearses one replication. It brings to an end what it has begun when ctx ends, but not when last does.
func (r *rehearsal) run(ctx, last context.Context) error {
	began := time.Now()
	switch {
	case r.record.Round > 0 && r.record.Over && r.record.Result == passed:
		r.reason = "by an earlier run"
		return r.end(passed, nil)
	case r.record.Round == 0 || r.record.Over:
		if err := r.begin(ctx); err != nil && ctx.Err() != nil {
			return r.end(notBegun, err)
		} else if err != nil {
			return r.end(failed, err)
		}
		if r.reason != "" {
			return r.end(skipped, nil)
		}
	default:
		r.tell("goes on where an earlier run was cut off")
	}
	decided := r.record.Result != "" // by an earlier run, which this one only brings to its end
	own, cancel := context.WithTimeoutCause(last, r.limit, fmt.Errorf("not brought to its end within %s", r.limit))
	defer cancel()
	err := r.rehearse(ctx, own)
	remains := r.finish(own)
	r.took = time.Since(began)
	switch {
	case remains != nil:
		r.left = true
		return r.end(failed, both(err, remains))
	case decided && r.record.Result != passed && r.asked && ctx.Err() == nil:
		r.tell("brought to its end, and rehearsed anew: %s: %s", r.record.Result, r.record.Reason)
		return r.run(ctx, last)
	case err == nil && r.record.Result != passed:
		err = errors.New(r.record.Reason)
	}
	return r.end(r.record.Result, err)
}

// end takes note of the result, and says in the error which machine it is about and what is left of it.
func (r *rehearsal) end(result string, err error) error {
	r.result = result
	if r.left {
		err = fmt.Errorf("left behind: %s: %w", r.remains(), err)
	}
	if err != nil {
		r.reason = err.Error()
		err = fmt.Errorf("%s: %w", r.record.Name, err)
	}
	r.tell("%s", strings.TrimSuffix(result+": "+r.reason, ": "))
	return err
}

// begin looks at the replication, says why it cannot be rehearsed if so, and else puts the rehearsal into the journal.
func (r *rehearsal) begin(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil || r.reason != "" {
		return err
	}
	if ctx.Err() != nil {
		return ended(ctx)
	}
	r.record = record{
		ID: r.about.ID, Name: r.about.Name, Appliance: r.appliance, Round: r.record.Round + 1,
		Paused: r.about.Status.Status == vsphere.ReplicationStatePaused,
		Folder: r.folder, Compute: r.compute, PowerOn: r.powerOn, Promote: r.promote,
	}
	return r.record.save(ctx, r.journal)
}

// prepare looks at the replication.
func (r *rehearsal) prepare(ctx context.Context) error {
	now, err := r.view.Replications.Get(ctx, r.record.ID)
	if err != nil {
		return err
	}
	r.about = now
	if r.reason = unfit(now); r.reason != "" {
		return nil
	}
	image, there, err := r.image(ctx)
	switch {
	case err != nil:
		return err
	case there && image.TestBubbleImage:
		r.reason = "in test already, which is left alone"
		return nil
	case there:
		r.reason = "failed over already"
		return nil
	}
	newest, err := r.newest(ctx)
	if err == nil && newest.ID == "" {
		r.reason = "no instance to recover yet"
	}
	r.record.Taken = newest.TransferStartTime.Time
	return err
}

// unfit says why a replication cannot be rehearsed, or nothing if it can. One that is in trouble can: it is recovered
// from what there is.
func unfit(replication vsphere.ReplicationInfo) string {
	switch status := replication.Status.Status; {
	case strings.HasPrefix(replication.RecoverySolution, "com.vmware.vcDr"):
		return "managed by Site Recovery, whose plans rehearse it"
	case status == vsphere.ReplicationStateRecovered, status == vsphere.ReplicationStateRecovering:
		return "failed over already"
	case status == vsphere.ReplicationStateConfiguring, status == vsphere.ReplicationStateReconfiguring:
		return "being configured"
	case status == vsphere.ReplicationStateInitialFullSync:
		return "no instance to recover yet"
	case status == "", status == vsphere.ReplicationStateUnknown:
		return "its state is not known"
	default:
		return ""
	}
}

// newest returns the latest point in time; a zero one if there is none.
func (r *rehearsal) newest(ctx context.Context) (vsphere.PointInTimeInstance, error) {
	var newest vsphere.PointInTimeInstance
	for one, err := range r.view.Replications.Instances(ctx, r.record.ID, vsphere.ListQuery{}) {
		if err = cmp.Or(err, one.Meta.Err()); err != nil {
			return vsphere.PointInTimeInstance{}, err
		}
		if newest.ID == "" || one.TransferStartTime.After(newest.TransferStartTime.Time) {
			newest = one
		}
	}
	return newest, nil
}

// image returns the active image, if there is one.
func (r *rehearsal) image(ctx context.Context) (image vsphere.ReplicationImage, there bool, err error) {
	image, err = r.view.Replications.ActiveImage(ctx, r.record.ID)
	if errors.Is(err, drkit.ErrNotFound) {
		return vsphere.ReplicationImage{}, false, nil
	}
	return image, err == nil, cmp.Or(err, image.Meta.Err()) // of half an image it cannot be told whose it is
}

// rehearse makes the test and looks at it, from wherever an earlier run has left it, and puts into the journal what
// came of that. Interrupts end it between its steps, and its waits.
func (r *rehearsal) rehearse(ctx, last context.Context) error {
	if r.record.Result != "" { // it was being brought to its end
		if r.record.Result == passed {
			return nil
		}
		return errors.New(r.record.Reason)
	}
	err := r.cutOff
	if err == nil {
		err = r.test(ctx, last)
	}
	switch {
	case last.Err() != nil: // the next run finds out
		return err
	case err == nil:
		r.record.Result = passed
	case r.cutOff != nil, ctx.Err() != nil && errors.Is(err, ctx.Err()):
		r.record.Result, r.record.Reason = interrupted, err.Error()
	default:
		r.record.Result, r.record.Reason = failed, err.Error()
	}
	return both(err, r.record.save(last, r.journal))
}

func (r *rehearsal) test(ctx, last context.Context) error {
	if !r.record.Paused {
		if err := r.step(ctx, last, stepPause, r.startPause); err != nil {
			return fmt.Errorf("not paused: %w", err)
		}
	}
	if err := r.choose(ctx); err != nil {
		return err
	}
	if err := r.step(ctx, last, stepTest, r.startTest); err != nil {
		return err
	}
	image, there, err := r.image(ctx)
	switch {
	case err != nil:
		return err
	case !there || !r.made(image):
		return fmt.Errorf("the test has succeeded, but the active image is not of it: %q of instance %q", image.ID, image.InstanceID)
	}
	var machines []string
	for _, machine := range image.VMIDs {
		machines = append(machines, machine.ID)
	}
	r.tell("in test as image %s with %s", image.ID, strings.Join(machines, ", "))
	r.record.Image = image.ID
	return nil
}

// choose settles which point in time is tested: the newest once the replication is paused.
func (r *rehearsal) choose(ctx context.Context) error {
	if r.record.Instance != "" {
		return nil
	}
	newest, err := r.newest(ctx)
	switch {
	case err != nil:
		return err
	case newest.ID == "":
		return errors.New("no instance to recover is left")
	}
	r.record.Instance, r.record.Taken = newest.ID, newest.TransferStartTime.Time
	return r.record.save(ctx, r.journal)
}

func (r *rehearsal) startPause(ctx context.Context) (*poller, error) {
	return r.view.Replications.Pause(ctx, r.record.ID)
}

func (r *rehearsal) startTest(ctx context.Context) (*poller, error) {
	return r.view.Replications.Test(ctx, r.record.ID, vsphere.RunTestRecovery{
		InstanceID: r.record.Instance, FolderID: r.record.Folder, ComputeResourceID: r.record.Compute, PowerOn: r.record.PowerOn,
	})
}

// made reports whether an image is that of the test.
func (r *rehearsal) made(image vsphere.ReplicationImage) bool {
	return image.TestBubbleImage && image.InstanceID == r.record.Instance && (r.record.Image == "" || r.record.Image == image.ID)
}

type poller = drkit.Poller[vsphere.Task]

// step takes a step that must not repeat to its end, from wherever earlier runs have left it. An interrupt does not cut
// the request off, because its answer saves the search for its task; it ends the wait.
func (r *rehearsal) step(ctx, last context.Context, name string, start func(context.Context) (*poller, error)) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", name, ended(ctx))
	}
	task, err := drkit.Once(last, gate{r.journal, func() error { return ended(ctx) }}, r.record.key(name), start)
	if task == nil {
		return err
	}
	unsaved := err // it runs all the same
	replayed := task.Done()
	if !replayed {
		r.tell("%s: task %s", name, task.ID())
	}
	if _, err = task.Wait(ctx); err == nil && !replayed {
		r.tell("%s done", name)
	}
	return both(err, unsaved)
}

// gate is a journal that takes no intent after an interrupt: what is not in the journal is not sent.
type gate struct {
	drkit.Journal
	closed func() error // nil: it is open
}

// Save saves a step.
func (g gate) Save(ctx context.Context, s drkit.Step) error {
	if err := g.closed(); err != nil && s.State == drkit.StepIntended {
		return err
	}
	return g.Journal.Save(ctx, s)
}

// ended says how a context has ended, and why; nil if it has not.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

func (r *rehearsal) tell(format string, args ...any) {
	fmt.Fprintln(r.out, oneLine(r.record.Name+": "+fmt.Sprintf(format, args...)))
}
