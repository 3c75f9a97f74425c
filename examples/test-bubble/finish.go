package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

const (
	attempts = 3                // for each step of the end
	pause    = 10 * time.Second // after one that failed
)

// finish removes the bubble of the test and resumes the replication. It goes by the journal alone, so that it ends what
// another run has begun just as what this one has.
func (r *rehearsal) finish(ctx context.Context) error {
	remains := r.endTest(ctx)
	if err := r.resume(ctx); err != nil {
		remains = both(remains, err)
	}
	if remains != nil {
		return remains
	}
	r.record.Over = true
	return r.record.save(ctx, r.journal)
}

// endTest waits for the end of the test and removes what it has made.
func (r *rehearsal) endTest(ctx context.Context) error {
	state, err := r.state(ctx, stepTest)
	if err != nil || state == drkit.StepReady {
		return err
	}
	err = r.step(ctx, ctx, stepTest, r.startTest)
	var failure *drkit.TaskError
	var unknown *drkit.OutcomeUnknownError
	switch {
	case errors.As(err, &failure):
		return r.afterFailure(ctx, failure.TaskID)
	case errors.As(err, &unknown) && unknown.Untouched:
		drkit.Discard(err) // nothing has come of it so far, and what comes later is somebody else's to the next rehearsal
		return nil
	case err != nil:
		return fmt.Errorf("it is not known what became of the test: %w", err)
	default:
		return r.removeBubble(ctx)
	}
}

// afterFailure sees to it that a test which has failed leaves no image unnoticed. One that is there since may be of the
// test, or of somebody else's: that is for people to tell. An older one is not of the test.
func (r *rehearsal) afterFailure(ctx context.Context, id string) error {
	image, there, err := r.image(ctx)
	if err != nil || !there || !r.made(image) {
		return err
	}
	task, err := r.client.Tasks.Get(ctx, id)
	if err != nil && !errors.Is(err, drkit.ErrNotFound) {
		return err
	}
	if made := image.CreatedTime.Time; !made.IsZero() && made.Before(task.QueuedTime.Time) {
		return nil
	}
	r.record.Image, r.doubtful = image.ID, true
	return fmt.Errorf("the test has failed, and there is image %s of the same instance, which may be of it or of somebody else", image.ID)
}

// removeBubble cleans up, or keeps what the bubble holds where the test has passed, until the image is gone.
func (r *rehearsal) removeBubble(ctx context.Context) error {
	return r.insist(ctx, func() (string, func(context.Context) (*poller, error)) {
		replications, id, image := r.view.Replications, r.record.ID, r.record.Image
		if r.record.Promote && r.record.Result == passed {
			return stepPromote, func(ctx context.Context) (*poller, error) { return replications.PromoteTestImage(ctx, id, image) }
		}
		return stepCleanUp, func(ctx context.Context) (*poller, error) { return replications.CleanUp(ctx, id, image) }
	}, r.gone)
}

// gone reports whether the image of the test is gone. If it is there, the journal knows it from then on: every request
// for its end must name the same.
func (r *rehearsal) gone(ctx context.Context) (bool, error) {
	image, there, err := r.image(ctx)
	if err != nil || !there || !r.made(image) {
		return err == nil, err
	}
	if r.record.Image == image.ID {
		return false, nil
	}
	r.record.Image = image.ID
	return false, r.record.save(ctx, r.journal)
}

// resume resumes the replication, unless it was paused before, or by somebody else.
func (r *rehearsal) resume(ctx context.Context) error {
	state, err := r.state(ctx, stepPause)
	if err != nil || r.record.Paused || state == drkit.StepReady {
		return err
	}
	err = r.step(ctx, ctx, stepPause, r.startPause)
	var failure *drkit.TaskError
	switch {
	case errors.As(err, &failure):
		if flowing, err := r.flowing(ctx); err == nil && !flowing {
			r.tell("paused, although the pause has failed: resume it unless somebody else has paused it")
		}
		return nil
	case ctx.Err() != nil:
		return err
	default:
		drkit.Discard(err) // what became of it shows in the replication
	}
	return r.insist(ctx, func() (string, func(context.Context) (*poller, error)) {
		return stepResume, func(ctx context.Context) (*poller, error) { return r.view.Replications.Resume(ctx, r.record.ID) }
	}, r.flowing)
}

// flowing reports whether the replication is not paused, or there is none any more.
func (r *rehearsal) flowing(ctx context.Context) (bool, error) {
	now, err := r.view.Replications.Get(ctx, r.record.ID)
	switch status := now.Status.Status; {
	case errors.Is(err, drkit.ErrNotFound):
		return true, nil
	case err != nil:
		return false, err
	case status == "" || status == vsphere.ReplicationStateUnknown:
		return false, errors.New("the state of the replication is not known")
	default:
		return status != vsphere.ReplicationStatePaused, nil
	}
}

// insist takes a step until what it is to do is done. A promotion that has failed gives way to a clean-up.
func (r *rehearsal) insist(ctx context.Context, next func() (string, func(context.Context) (*poller, error)), done func(context.Context) (bool, error)) error {
	for attempt := 1; ; attempt++ {
		name, _ := next()
		begun, err := r.underWay(ctx, name)
		if err != nil {
			return err
		}
		over := false
		if !begun {
			over, err = done(ctx)
		}
		if err == nil && !over {
			_, start := next() // done may have settled what it asks for
			if err = r.again(ctx, name, start); err == nil {
				over, err = done(ctx)
			}
		}
		switch {
		case over:
			return nil
		case err == nil:
			err = fmt.Errorf("the %s has succeeded, but nothing of that is to be seen", name)
		}
		if ctx.Err() != nil || attempt == attempts {
			return err
		}
		r.tell("%v; again in %s", err, pause)
		wait(ctx, pause)
	}
}

// underWay reports whether a step may be at work.
func (r *rehearsal) underWay(ctx context.Context, name string) (bool, error) {
	state, err := r.state(ctx, name)
	return state == drkit.StepIntended || state == drkit.StepAccepted, err
}

// again takes a step of the end, also one that has failed before.
func (r *rehearsal) again(ctx context.Context, name string, start func(context.Context) (*poller, error)) error {
	state, err := r.state(ctx, name)
	if err != nil {
		return err
	}
	if state == drkit.StepFailed && name != stepPromote {
		if err := drkit.Retry(ctx, r.journal, r.record.key(name)); err != nil {
			return err
		}
	}
	err = r.step(ctx, ctx, name, start)
	var failure *drkit.TaskError
	switch {
	case errors.Is(err, drkit.ErrOutcomeUnknown):
		drkit.Discard(err) // the journal remembers it, and looks before it is sent again
	case name == stepPromote && errors.As(err, &failure):
		r.record.Result, r.record.Reason = failed, "not kept: "+err.Error()
		err = both(err, r.record.save(ctx, r.journal))
	}
	return err
}

// wait returns once d has passed, or ctx has ended.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
