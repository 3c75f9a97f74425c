package unitrends

import (
	"context"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// Jobs are what runs, and what has run.
type Jobs struct{ at place }

// Active returns the jobs that are running or queued. It is safe to repeat.
//
// Source: the code of clients.
func (j *Jobs) Active(ctx context.Context) ([]Job, error) {
	return j.active(ctx, transport.Call{Operation: &contract.JobsActive})
}

// ActiveReplications returns the jobs that copy backups to a target. It is safe to repeat.
//
// Source: Unitrends API wiki, "GET /jobs/active/replication", which is named there without its page.
func (j *Jobs) ActiveReplications(ctx context.Context) ([]Job, error) {
	return j.active(ctx, transport.Call{Operation: &contract.JobsActiveReplications})
}

// ActiveFileRecoveries returns the jobs that recover single files from backups. It is safe to repeat.
//
// Source: the code of clients.
func (j *Jobs) ActiveFileRecoveries(ctx context.Context) ([]Job, error) {
	return j.active(ctx, transport.Call{Operation: &contract.JobsActiveFileRecoveries})
}

func (j *Jobs) active(ctx context.Context, call transport.Call) ([]Job, error) {
	var answer struct{ Data rows[Job] }
	call.Check = answer.Data.in("data")
	err := j.at.do(ctx, call, &answer)
	return answer.Data.all, err
}

// History returns jobs that have ended. How far back an empty query reaches is the appliance's choice. It is safe
// to repeat.
//
// Source: the code of clients; Unitrends API wiki, "Conventions", for the days.
func (j *Jobs) History(ctx context.Context, query HistoryQuery) ([]HistoryJob, error) {
	var answer struct{ Data rows[HistoryJob] }
	call := transport.Call{Operation: &contract.JobsHistory, Query: query, Check: answer.Data.in("data")}
	err := j.at.do(ctx, call, &answer)
	return answer.Data.all, err
}

// Cancel ends a running job. The poller waits until the job is no longer active, and its result is the job as it
// was seen last. The request is sent at most once, as that of [Sources.Accept]. Systems count their jobs each for
// itself: where several have a job of that id, [Client.System] names one.
//
// Errors: [drkit.ErrOutcomeUnknown] if what became of it cannot be told; an id that several systems have, for which
// nothing is sent.
//
// Source: the code of clients.
func (j *Jobs) Cancel(ctx context.Context, id ID) (*drkit.Poller[Job], error) {
	return begin(ctx, j.at.cancellation(id), transport.Call{Operation: &contract.JobsCancel, Path: []string{string(id)}})
}
