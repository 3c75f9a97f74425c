package vspheretest

import "time"

// syncSize is how much every transfer is, in bytes.
const syncSize = int64(64) << 20

// flows reports whether transfers happen.
func (r *replication) flows() bool {
	return !r.configuring && !r.paused && !r.stalled && r.broken == "" && r.machine.on && r.atSource && r.atTarget &&
		!r.failedOver() && !r.source().down(r.world.now) && !r.target.down(r.world.now)
}

// failedOver reports whether the active image is that of a failover.
func (r *replication) failedOver() bool { return r.image != nil && !r.image.test }

// catchUp makes the instances that have come by themselves since the last one, one for each RPO. It has no task and
// no place in the agenda, so that a year takes no longer than an hour.
func (r *replication) catchUp(now time.Time) {
	if !r.flows() || r.syncing != nil || r.lastSync.IsZero() {
		return
	}
	missed := int(now.Sub(r.lastSync) / r.rpo())
	begin := r.lastSync
	first := max(1, missed-r.kept()+1)
	if missed > 0 {
		r.made += first - 1
	}
	for n := first; n <= missed; n++ {
		r.lastSync = begin.Add(time.Duration(n) * r.rpo())
		r.addInstance(r.lastSync)
	}
}

// wake lets a replication make up for what it has missed: at first, and when nothing is in its way any more.
func (r *replication) wake(now time.Time) {
	switch {
	case !r.flows() || r.syncing != nil:
	case r.lastSync.IsZero():
		r.sync("INITIAL_FULL_SYNC", now)
	case now.Sub(r.lastSync) >= r.rpo():
		r.sync("SYNC", now)
	}
}

// sync begins a transfer. It comes to nothing if something gets in its way.
func (r *replication) sync(status string, now time.Time) {
	begun := &span{status: status, begin: now, end: now.Add(r.world.config.syncTime)}
	r.syncing = begun
	r.world.agenda.Add(begun.end, func(at time.Time) {
		if r.syncing != begun {
			return
		}
		r.syncing = nil
		if r.flows() {
			r.lastSync = begun.begin
			r.addInstance(begun.begin)
		}
	})
}

// interrupt ends a transfer that is under way. What has to be caught up on is done before.
func (r *replication) interrupt() { r.syncing = nil }

// violation is how long ago a transfer should have been, 0 if none should.
func (r *replication) violation(now time.Time) time.Duration {
	if r.lastSync.IsZero() || r.failedOver() {
		return 0
	}
	return max(0, now.Sub(r.lastSync)-r.rpo())
}

// status is the compound status, which is the same at both sites.
func (r *replication) status() string {
	now := r.world.now
	status := r.plainStatus()
	if r.violation(now) == 0 {
		return status
	}
	switch status {
	case "OK":
		return "RPO_VIOLATION"
	case "SYNC", "NOT_ACTIVE", "ERROR", "FULL_SYNC":
		return status + "_RPO_VIOLATION"
	default:
		return status
	}
}

func (r *replication) plainStatus() string {
	switch {
	case r.shown != "":
		return r.shown
	case r.configuring:
		return "CONFIGURING"
	case r.active != nil && r.active.kind == kindReconfigure:
		return "RECONFIGURING"
	case r.failedOver():
		return "RECOVERED"
	case !r.atSource || !r.atTarget || r.broken != "":
		return "ERROR"
	case r.paused:
		return "PAUSED"
	case r.syncing != nil:
		return r.syncing.status
	case !r.machine.on || r.source().down(r.world.now) || r.target.down(r.world.now):
		return "NOT_ACTIVE"
	default:
		return "OK"
	}
}

// progress is how far a transfer is, in percent and below 100.
func (s *span) progress(now time.Time) int64 { return percentOf(s.begin, s.end, now) }

// percentOf is how much of a time has passed, 100 only when its end has been noted.
func percentOf(begin, end, now time.Time) int64 {
	length := end.Sub(begin)
	if length <= 0 || now.Before(begin) {
		return 0
	}
	return min(99, int64(now.Sub(begin)*100/length))
}
