package unitrends

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
)

// Drain is what has become of the backups that a poller of [Queue.Drained] has seen in the queue.
type Drain struct {
	// Left is how many backups have left the queue, or have come to an end in it. A copy under way that does not say
	// which backup it is of keeps the queue from being empty, and does not count.
	Left int `json:"left"`
	// States counts them by how they have ended: as the flat history of jobs says, or else as the queue has shown
	// it last. What was only seen waiting or under way, and of which the history says nothing, counts under "".
	States map[string]int `json:"states"`
}

// Drained returns a poller that waits until no backup of the instances waits for its copy or is being copied; of
// all instances where none is named. It takes two looks in a row: between the lists of what waits and of what is
// being copied a backup may be in neither. Where the first Poll finds the queue empty, it takes the second look as
// well, after the MinInterval of [drkit.PollPolicy]. A backup that has ended in the queue, as with
// [QueueStatusFailed], counts as gone. A queue that is empty from the beginning is drained, so begin to wait once it
// has filled, as after [JobOrders.Create] has settled. Nothing is sent before the first look, and what was in the
// queue before that is not known. A resumed poller counts anew: one that finds the queue empty has nothing to count.
// On a target the queues of all its sources have to drain.
//
// Instances are named as [QueueItem] and [Job] do in InstanceName, or [QueueItem] does in Name. A name that is in no
// queue is not told from one whose backups are all copied.
//
// Errors of Wait: those of [drkit.Poller.Wait]; the name of an instance that is empty, for which nothing is sent.
// Copies that have failed are no error: see Drain.
//
// Source: Unitrends API wiki, "(GET) /replication/queue"; the code of clients for the history.
func (q *Queue) Drained(instances ...string) *drkit.Poller[Drain] {
	return drkit.NewPoller(&drainage{at: q.at, instances: instances}, q.at.client.transport.Polling())
}

var errNoInstance = errors.New("unitrends.Queue.Drained: the name of an instance is empty")

// drainage looks at the queue until it is empty.
type drainage struct {
	at        place
	instances []string
	token     step.Token // that it was resumed by; zero if it was not

	mu    sync.Mutex
	seen  map[queued]QueueStatus // of each backup that was in the queue
	empty bool                   // so the last look has found the queue
}

// queued is a backup in the queue. Systems count their backups each for itself.
type queued struct{ system, backup ID }

// ID names what is watched.
func (d *drainage) ID() string {
	if len(d.instances) == 0 {
		return "the replication queue"
	}
	return "the replication queue of " + quoted(strings.Join(d.instances, ", "))
}

// Closed is closed with the client, which ends waits at once.
func (d *drainage) Closed() <-chan struct{} { return d.at.client.transport.Closed() }

// Token returns what another process needs to go on watching.
func (d *drainage) Token(ctx context.Context) (step.Token, error) {
	if d.token != (step.Token{}) {
		return d.token, nil
	}
	task := resumable{Instances: d.instances}.String()
	return d.at.client.identity.Sign(ctx, step.Token{Operation: methodDrained, Task: task})
}

// Look looks at the queue and, once it is empty, at the history of what was in it.
func (d *drainage) Look(ctx context.Context) (drkit.Look[Drain], error) {
	if slices.Contains(d.instances, "") { // of which there is nothing in the queue, so that it would count as drained
		return drkit.Look[Drain]{Done: true, Progress: drkit.Progress{State: drkit.StateFailed}, Err: errNoInstance}, nil
	}
	if err := d.at.client.identity.Check(ctx, d.token); err != nil {
		return drkit.Look[Drain]{}, err
	}
	now, err := d.glance(ctx)
	if now.first && now.empty { // whoever has a new poller on each turn takes no other look with this one
		d.at.client.transport.BetweenLooks(ctx)
		now, err = d.glance(ctx)
	}
	if err != nil {
		return drkit.Look[Drain]{}, err
	}
	look := drkit.Look[Drain]{Progress: drkit.Progress{ID: d.ID(), State: drkit.StateRunning}}
	if len(now.seen) > 0 {
		look.Progress.Percent = 100 * (len(now.seen) - now.waiting) / len(now.seen)
	}
	if !now.drained {
		return look, nil
	}
	look.Done, look.Progress.State, look.Progress.Percent = true, drkit.StateSucceeded, 100
	look.Result, err = d.result(ctx, now.seen)
	return look, err
}

// tally is what one look at the queue has shown.
type tally struct {
	seen    map[queued]QueueStatus // all backups that were ever there
	waiting int                    // how many of them have not ended
	first   bool                   // nobody has looked before
	empty   bool                   // nothing waits or is under way: copies under way need not say which backup they are of
	drained bool                   // so the look before has found it, too
}

// glance looks at the queue once.
func (d *drainage) glance(ctx context.Context) (tally, error) {
	queue, err := (&Queue{SystemQueue{d.at}}).Get(ctx)
	if err != nil {
		return tally{}, err
	}
	return d.count(queue), nil
}

// count takes note of what is in the queue.
func (d *drainage) count(queue ReplicationQueue) tally {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := tally{first: d.seen == nil, empty: true}
	if now.first {
		d.seen = map[queued]QueueStatus{}
	}
	unfinished := map[queued]bool{} // a backup may be on its way to several targets
	note := func(one queued, status QueueStatus) {
		now.empty = now.empty && status.ended()
		if one.backup == "" {
			return
		}
		if d.seen[one] = status; !status.ended() {
			unfinished[one] = true
		}
	}
	for _, item := range queue.Inactive {
		if d.meant(item.InstanceName, item.Name) {
			note(queued{item.SID, item.BackupID}, item.Status)
		}
	}
	for _, job := range queue.Active {
		if d.meant(job.InstanceName) {
			note(queued{job.SID, idIn(job.Extra["backup_id"])}, QueueStatus(job.Status))
		}
	}
	now.drained, d.empty = d.empty && now.empty, now.empty
	now.seen, now.waiting = maps.Clone(d.seen), len(unfinished)
	return now
}

func (d *drainage) meant(names ...string) bool {
	return len(d.instances) == 0 ||
		slices.ContainsFunc(names, func(name string) bool { return slices.Contains(d.instances, name) })
}

// result counts how the backups have ended.
func (d *drainage) result(ctx context.Context, seen map[queued]QueueStatus) (Drain, error) {
	drain := Drain{Left: len(seen), States: map[string]int{}}
	if len(seen) == 0 {
		return drain, nil
	}
	history, err := (&Jobs{d.at}).History(ctx, HistoryQuery{ShowFlat: drkit.Some(true)})
	if err != nil {
		return Drain{}, err
	}
	copies := map[ID][]HistoryJob{} // by backup
	for _, job := range history {
		kind := strings.ToLower(job.Type) // the backup itself is in the history, too
		if strings.Contains(kind, "replication") || strings.Contains(kind, "copy") {
			copies[job.BackupID] = append(copies[job.BackupID], job)
		}
	}
	for one, status := range seen {
		state, known := one.last(copies[one.backup])
		if !known && status.ended() {
			state = string(status)
		}
		drain.States[state]++
	}
	return drain, nil
}

// last returns how the newest of the copies of a backup has ended, however the history is sorted. One that does not
// say which system it is of may be of this one.
func (q queued) last(copies []HistoryJob) (state string, known bool) {
	var newest HistoryJob
	for _, job := range copies {
		ours := job.SID == q.system || job.SID == "" || q.system == ""
		if ours && (!known || job.SortStartTime >= newest.SortStartTime) {
			newest, known = job, true
		}
	}
	return string(newest.Status), known
}

// ended reports whether nothing more comes of a backup in the queue.
func (s QueueStatus) ended() bool {
	return slices.ContainsFunc([]QueueStatus{
		QueueStatusDone, QueueStatusFailed, QueueStatusAborted, QueueStatusTerminated,
	}, func(end QueueStatus) bool { return strings.EqualFold(string(end), string(s)) })
}
