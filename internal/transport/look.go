package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/drkit-go/drkit"
)

// search looks until the operation is found, until the grace has passed without a trace of it, or until the
// service has been away for too long. It returns what is known where it does not find the operation.
func (l *lost) search(ctx context.Context) error {
	polling := l.client.settings.Polling
	interval, failing := polling.MinInterval, time.Time{}
	for {
		over, err := l.look(ctx)
		switch {
		case over:
			return err
		case l.client.ended(ctx) != nil:
			return l.unknown(l.client.ended(ctx))
		case err == nil:
			failing = time.Time{}
		case endsLook(err):
			return l.unknown(err)
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) >= polling.MaxUnreachable:
			return l.unknown(err)
		}
		if err := l.client.sleep(ctx, interval); err != nil {
			return l.unknown(err)
		}
		interval = min(interval+interval/2, polling.MaxInterval)
	}
}

// endsLook reports whether another look cannot turn out better.
func endsLook(err error) bool {
	var answer *drkit.Error
	switch {
	case errors.Is(err, drkit.ErrUnavailable):
		return false
	case errors.Is(err, drkit.ErrClosed):
		return true
	case errors.As(err, &answer) && answer.Foreign: // what stands between does not know what the service would say
		return false
	default:
		return errors.Is(err, drkit.ErrUnauthorized) || errors.Is(err, drkit.ErrForbidden)
	}
}

// look looks once. It is over where the operation was found, and, with what is known, where it cannot be told
// from others or where nothing of it is to be seen although the grace has passed.
func (l *lost) look(ctx context.Context) (over bool, err error) {
	ctx = drkit.WithOperationID(inner(ctx), l.told.OperationID)
	late := time.Since(l.since) >= l.client.settings.Polling.Grace
	var after State
	var blind error
	if late && l.work.State != nil {
		after, blind = l.work.State(ctx) // before the tasks, so that whatever has left it so is among these
	}
	jobs, err := l.jobs(ctx)
	if err != nil {
		return false, err
	}
	fresh := l.fresh(jobs)
	l.propose(fresh.doubtful)
	tasks := l.work.tasks(len(fresh.sure))
	switch {
	case len(fresh.sure) == tasks:
		l.keep(ctx, Found{Job: fresh.sure[0].ID, Jobs: ids(fresh.sure), Note: l.note, Before: l.note.State})
		return true, nil
	case len(fresh.sure) > tasks:
		l.propose(slices.Concat(ids(fresh.sure), fresh.doubtful))
		return true, l.unknown(fmt.Errorf("there are %d new tasks that may be it", len(fresh.sure)))
	case len(fresh.sure) > 0 && late:
		l.propose(slices.Concat(ids(fresh.sure), fresh.doubtful))
		return true, l.unknown(fmt.Errorf("there are %d of its %d tasks", len(fresh.sure), tasks))
	case fresh.undecided, !late:
		return false, nil
	case blind != nil:
		return false, blind
	}
	return true, l.judge(ctx, after, jobs, fresh.doubtful)
}

// judge goes by the resource itself: no task is to be seen that is the operation's for sure.
func (l *lost) judge(ctx context.Context, after State, jobs []Job, doubtful []string) error {
	verdict := Unclear
	if l.work.State != nil {
		verdict = l.work.Settle(l.note.State, after)
	}
	if verdict == NotRun {
		doubtful = nil
		l.propose(nil)
	}
	if verdict == Ran {
		doubtful = slices.Concat(doubtful, l.suspects(jobs))
		l.propose(doubtful)
	}
	if verdict == Ran && len(doubtful) == 0 {
		l.keep(ctx, Found{Note: l.note, Before: l.note.State, After: after})
		return nil
	}
	unknown := l.unknown(nil)
	unknown.Untouched = (verdict == Untouched || verdict == NotRun) && len(doubtful) == 0
	if l.refused = l.refusal(unknown); l.refused != nil {
		l.resource.lost = nil
		return l.refused
	}
	return unknown
}

// refusal returns the answer of the service that says why it has not done what nothing is to be seen of; nil if
// there was none, or if it cannot be believed.
func (l *lost) refusal(unknown *drkit.OutcomeUnknownError) error {
	var answer *drkit.Error
	spoke := errors.As(l.told.Err, &answer) && !answer.Foreign && answer.Err == nil && answer.Status >= 400
	if !spoke || !l.work.Believe || !unknown.Untouched || saysNothing(answer.Status) {
		return nil
	}
	return answer
}

// saysNothing reports whether a status says no more than that somebody has not waited long enough, or has not understood
// an answer: the work may come to light yet, whoever says so.
func saysNothing(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}

// suspects are the tasks that may have left the resource as it is although they were under way before.
func (l *lost) suspects(jobs []Job) []string {
	var suspects []string
	for _, busy := range l.note.Busy {
		shown := slices.ContainsFunc(jobs, func(job Job) bool { return job.ID == busy.ID })
		if shown || busy.Other { // not one that has turned out to be about something else
			suspects = append(suspects, busy.ID+" (under way before it was sent)")
		}
	}
	return suspects
}

// keep settles the operation.
func (l *lost) keep(ctx context.Context, found Found) {
	l.found = &found
	l.resource.lost = nil
	l.client.settings.Logger.LogAttrs(ctx, slog.LevelWarn, "lost operation found",
		slog.String("operation", l.told.Operation), slog.String("operation_id", l.told.OperationID),
		slog.String("resource", l.work.Resource), slog.String("task", found.Job), slog.Bool("settled_by_resource", found.Job == ""))
}

// fresh are the tasks that the note does not hold.
type fresh struct {
	sure      []Job    // of the operation, as far as anybody can tell
	undecided bool     // there is one that may turn out to be
	doubtful  []string // all others, with the reason
}

// jobs returns the tasks there are, with all that is to be known of those that the note does not hold.
func (l *lost) jobs(ctx context.Context) ([]Job, error) {
	jobs, err := l.work.Jobs(ctx)
	if err != nil || l.work.Examine == nil {
		return jobs, err
	}
	noted := l.noted()
	for i, job := range jobs {
		if noted[job.ID] {
			continue
		}
		if jobs[i], err = l.work.Examine(ctx, job); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

func (l *lost) noted() map[string]bool {
	noted := make(map[string]bool, len(l.note.Jobs))
	for _, id := range l.note.Jobs {
		noted[id] = true
	}
	return noted
}

func (l *lost) fresh(jobs []Job) fresh {
	noted := l.noted()
	var f fresh
	for _, job := range jobs {
		if noted[job.ID] || job.Apart {
			continue
		}
		doubt := job.Veto
		switch {
		case doubt != "":
		case !job.Started.IsZero() && job.Started.Before(l.note.Newest):
			doubt = "started before the operation was sent"
		case !job.Unsure:
			f.sure = append(f.sure, job)
			continue
		case job.Ended:
			doubt = "whose work it was does not show"
		default:
			doubt, f.undecided = "under way, and whose work it is shows at its end", true
		}
		f.doubtful = append(f.doubtful, job.ID+" ("+doubt+")")
	}
	return f
}

func ids(jobs []Job) []string {
	all := make([]string, len(jobs))
	for i, job := range jobs {
		all[i] = job.ID
	}
	return all
}

// unlistedError is why tasks could not be listed. It does not match ErrConflict, which says of a task that was adopted
// that it is not alone.
type unlistedError struct{ err error }

func (e *unlistedError) Error() string { return e.err.Error() }

func (e *unlistedError) Is(target error) bool {
	return target != drkit.ErrConflict && errors.Is(e.err, target)
}

func (e *unlistedError) As(target any) bool { return errors.As(e.err, target) }

// alone makes sure that the task which was found is all there is. A task that started after its end is of
// somebody who has seen that end.
func (l *lost) alone(ctx context.Context, found Found) error {
	if l.work.Tasks == AnyNumber {
		return nil
	}
	jobs, err := l.jobs(drkit.WithOperationID(inner(ctx), l.told.OperationID))
	if err != nil {
		return &unlistedError{err}
	}
	var end time.Time
	for _, job := range jobs {
		if job.ID == found.Job {
			end = job.End
		}
	}
	for _, other := range l.fresh(jobs).sure {
		later := !end.IsZero() && !other.Started.Before(end)
		if !slices.Contains(found.Jobs, other.ID) && !later {
			return &drkit.Error{
				Operation: l.told.Operation, Method: l.told.Method, Path: l.told.Path, OperationID: l.told.OperationID,
				Kind:    drkit.ErrConflict,
				Message: "task " + found.Job + " was adopted for it, and then task " + other.ID + " came to light, which may be it as well",
			}
		}
	}
	return nil
}
