package unitrendstest

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Numbers of the strategies of a queue.
const (
	schemeManual = iota
	schemeRetention
	schemeRecency
)

// How jobs end, in the words of the history.
const (
	statusSuccess = "Success"
	statusFailed  = "Failed"
	statusAborted = "Aborted"
)

// jobOrder is what is to be copied.
type jobOrder struct {
	id        int
	name      string
	instances []*asset
	target    *target
	enabled   bool
	last      string                     // how its last copy has ended
	extra     map[string]json.RawMessage // members that it was given and nobody here knows
}

// queueItem is a backup on its way to a target.
type queueItem struct {
	order   *jobOrder
	backup  *backup
	target  *target
	job     int // its id once the copy has begun; 0: it waits
	started time.Time
	due     time.Time
}

// historyJob is a copy that has ended.
type historyJob struct {
	id      int
	item    *queueItem
	status  string
	message string
	started time.Time
	ended   time.Time
}

// enqueue puts what an order has to copy into the queue: all that the target has not, or the newest backup of
// each instance, as the strategy says. Nothing joins it for a target that is no longer connected.
func (a *appliance) enqueue(order *jobOrder) {
	if !a.isConnected(order.target) {
		return
	}
	for _, instance := range order.instances {
		var missing []*backup
		for _, b := range a.backups {
			if b.asset == instance && b.system == a {
				missing = append(missing, b)
			}
		}
		if a.settings.scheme == schemeRecency && len(missing) > 1 {
			missing = missing[len(missing)-1:]
		}
		for _, b := range missing {
			if !b.copied[order.target] && !a.isQueued(b, order.target) {
				a.queue = append(a.queue, &queueItem{order: order, backup: b, target: order.target})
			}
		}
	}
	a.advance()
}

func (a *appliance) isConnected(to *target) bool {
	return to.state == targetAvailable && slices.Contains(a.targets, to)
}

func (a *appliance) isQueued(b *backup, to *target) bool {
	return slices.ContainsFunc(a.queue, func(item *queueItem) bool { return item.backup == b && item.target == to })
}

// advance begins as many copies as the settings allow.
func (a *appliance) advance() {
	if a.held {
		return
	}
	active := 0
	for _, item := range a.queue {
		if active >= a.settings.maxConcurrent {
			return
		}
		active++
		if item.job == 0 {
			a.begin(item)
		}
	}
}

func (a *appliance) begin(item *queueItem) {
	item.job, item.started, item.due = a.nextID(kindJob), a.now, a.now.Add(a.copying)
	job := item.job
	a.after(a.copying, func() {
		if item.job == job && !a.held {
			a.end(item)
		}
	})
}

// end ends a copy, unless it has left the queue: well, or as [Server.FailCopy] wants it.
func (a *appliance) end(item *queueItem) {
	if !slices.Contains(a.queue, item) {
		return
	}
	a.queue = slices.DeleteFunc(a.queue, func(other *queueItem) bool { return other == item })
	message, failed := a.failures[item.backup.asset.name]
	delete(a.failures, item.backup.asset.name)
	if failed {
		a.record(item, statusFailed, message)
	} else {
		item.backup.copied[item.target] = true
		item.target.of.receive(item.backup)
		a.record(item, statusSuccess, "")
	}
	a.advance()
}

// receive keeps the copy of a source's backup.
func (a *appliance) receive(original *backup) {
	a.backups = append(a.backups, &backup{
		id: a.nextID(kindBackup), asset: original.asset, system: original.system, started: original.started,
		size: original.size, copied: map[*target]bool{},
	})
}

func (a *appliance) record(item *queueItem, status, message string) {
	item.order.last = status
	a.history = append(a.history, &historyJob{
		id: item.job, item: item, status: status, message: message, started: item.started, ended: a.now,
	})
}

// drop takes items out of the queue, and returns them. Copies that have begun are aborted.
func (a *appliance) drop(matches func(*queueItem) bool) []*queueItem {
	var dropped []*queueItem
	a.queue = slices.DeleteFunc(a.queue, func(item *queueItem) bool {
		if matches(item) {
			dropped = append(dropped, item)
			return true
		}
		return false
	})
	for _, item := range dropped {
		if item.job != 0 {
			a.record(item, statusAborted, "The copy was aborted.")
			item.job = 0
		}
	}
	a.advance()
	return dropped
}

// release lets copies go on that were held.
func (a *appliance) release() {
	a.held = false
	due := slices.Clone(a.queue)
	slices.SortStableFunc(due, func(one, other *queueItem) int { return cmp.Compare(one.job, other.job) })
	for _, item := range due {
		if item.job != 0 && !item.due.After(a.now) {
			a.end(item)
		}
	}
	a.advance()
}

// percent is how far a copy is.
func (a *appliance) percent(item *queueItem) int {
	whole := item.due.Sub(item.started)
	if whole <= 0 {
		return 0
	}
	return min(99, int(100*a.now.Sub(item.started)/whole))
}

// copies returns what is on its way out of an appliance or, from its sources, into it, with the appliances that
// have the queues.
func (a *appliance) copies(places []place, named bool) []placedItem {
	var found []placedItem
	for _, p := range places {
		for _, item := range p.of.queue {
			found = append(found, placedItem{p, item})
		}
	}
	if named {
		return found
	}
	for _, s := range a.systems {
		if s.managed || !s.replicating {
			continue
		}
		for _, item := range s.of.queue {
			if item.target.of == a {
				found = append(found, placedItem{place{s.id, s.of}, item})
			}
		}
	}
	return found
}

// placedItem is an item with the system in whose queue it is.
type placedItem struct {
	place
	item *queueItem
}
