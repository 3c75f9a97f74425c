package checkpoints

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/taskwait"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/internal/watch"
)

// copying are copies on their way: those of one backup, or of all backups of a vault.
type copying struct {
	client *Client
	by     following
	backup string // the one that is copied; empty for those of the vault
	to     destination
	auto   bool // they are marked as begun automatically
	born   time.Time

	mu     sync.Mutex
	vault  string // the source; empty if it is not known yet
	from   Time   // tasks are read from here on
	wanted []ReplicatedBackup
	before noted
	// several is for what was adopted: all copies count that were not there before, and wanted grows with them.
	several bool
	made    span                   // when the backups were made whose copies have not ended
	wide    bool                   // they have not all been found by that
	ended   map[string]CopyOutcome // by backup
	calm    int                    // how many there were when all had ended; 0 before
	looked  bool                   // somebody has looked
	misses  int                    // looks in a row that have shown nothing of a copy when all others had ended
}

// noted is what there was of copies before. By the clock of the service nothing older than the newest of it can be
// new, so that only the ids of what was begun in that very moment need to be kept for another process.
type noted struct {
	ids    map[string]bool
	newest time.Time
	last   []string // ids of what was begun then
	// first is for what was not noted: what has ended when it is looked at for the first time was there before.
	first bool
}

func (n noted) has(one seenCopy) bool {
	return n.ids[one.id] || !one.created.IsZero() && one.created.Before(n.newest)
}

// missesToBeGone is how many looks must show nothing of a copy, after the grace, until it is asked for elsewhere.
const missesToBeGone = 3

// locate finds out in which vault the backup is, where it is not known.
func (c *copying) locate(ctx context.Context) (vault string, from Time, err error) {
	c.mu.Lock()
	vault, from = c.vault, c.from
	c.mu.Unlock()
	if vault != "" {
		return vault, from, nil
	}
	backup, err := c.client.Backups.Get(ctx, c.backup)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vault = backup.VaultID
	return c.vault, from, err
}

// look reads the copies of the vault. Where the first look finds the end, and it takes two, it takes both: whoever has
// a new poller on each turn takes no other with this one.
func (c *copying) look(ctx context.Context) (sight, error) {
	c.mu.Lock()
	first := !c.looked
	c.looked = true
	c.mu.Unlock()
	seen, err := c.glance(ctx)
	if first && seen.calming {
		c.client.transport.BetweenLooks(ctx)
		seen, err = c.glance(ctx)
	}
	return seen, err
}

// glance reads the copies of the vault once.
func (c *copying) glance(ctx context.Context) (sight, error) {
	vault, from, err := c.locate(ctx)
	if err != nil {
		return sight{}, err
	}
	now, err := c.client.readCopies(ctx, c.lately().of(vault), from, leniently)
	if err != nil {
		return sight{}, err
	}
	return c.judge(ctx, now)
}

// sight is how far copies have come.
type sight struct {
	outcomes []CopyOutcome // of those that are known, ended or not
	missing  int           // copies that nothing tells of
	open     bool          // it is too early to tell
	calming  bool          // for no other reason than that more copies may come to light until the next look
	percent  int
}

// judge says how far the copies have come, by what their region shows and, where that has forgotten some, by what else
// there is.
func (c *copying) judge(ctx context.Context, now *copies) (sight, error) {
	seen, missing := c.match(now)
	if len(missing) == 0 {
		c.mu.Lock()
		c.misses = 0 // a row that has slipped from one page to another is back
		c.mu.Unlock()
		return seen, nil
	}
	if seen.open || !c.overdue() {
		seen.open, seen.missing = true, len(missing)
		return seen, nil
	}
	for _, one := range missing {
		found, err := c.elsewhere(ctx, one)
		if err != nil {
			return sight{}, err
		}
		c.mu.Lock()
		if hasEnded(found.Status) {
			c.ended[one.BackupID] = found
		}
		c.mu.Unlock()
		seen.outcomes = append(seen.outcomes, found)
		seen.open = seen.open || !hasEnded(found.Status) && found.Status != ""
		if found.Status == "" {
			seen.missing++
		}
	}
	return seen, nil
}

// overdue counts looks that have missed copies, and reports whether these ought to be visible.
func (c *copying) overdue() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.misses++
	return c.misses >= missesToBeGone && time.Since(c.born) >= c.client.transport.Schedule().Grace
}

// match finds the copies in what the region shows.
func (c *copying) match(now *copies) (seen sight, missing []ReplicatedBackup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(now)
	if c.ended == nil {
		c.ended = map[string]CopyOutcome{}
	}
	percent := 0
	for _, one := range c.wanted {
		outcome, over := c.ended[one.BackupID]
		if !over {
			row, there := c.row(now, one)
			if !there {
				missing = append(missing, one)
				continue
			}
			if outcome = row.outcome; hasEnded(outcome.Status) {
				c.ended[one.BackupID] = outcome
			} else {
				seen.open = true
				percent += row.percent
			}
		}
		if hasEnded(outcome.Status) {
			percent += 100
		}
		seen.outcomes = append(seen.outcomes, outcome)
	}
	if len(c.wanted) > 0 {
		seen.percent = percent / len(c.wanted)
	}
	c.narrow(now)
	if c.several && !seen.open {
		seen.calming = c.calm != len(c.wanted)
		seen.open, c.calm = seen.calming, len(c.wanted)
	}
	return seen, missing
}

// settle takes note of what there was before, where nobody has, and of copies that have come since. The caller holds
// the lock.
func (c *copying) settle(now *copies) {
	if c.before.first {
		c.before = noted{ids: map[string]bool{}}
		for _, rows := range now.byBackup {
			for _, row := range rows {
				if hasEnded(row.outcome.Status) {
					c.before.ids[row.id] = true
				}
			}
		}
	}
	if !c.several {
		return
	}
	for backup, rows := range now.byBackup {
		known := func(w ReplicatedBackup) bool { return w.BackupID == backup }
		if c.backup != "" && backup != c.backup || slices.ContainsFunc(c.wanted, known) {
			continue
		}
		if row, fresh := c.newest(rows); fresh {
			c.wanted = append(c.wanted, ReplicatedBackup{BackupID: backup, ReplicationRecordID: row.outcome.RecordID})
		}
	}
}

// row returns what the region shows of a copy. The caller holds the lock.
func (c *copying) row(now *copies, one ReplicatedBackup) (seenCopy, bool) {
	rows := now.byBackup[one.BackupID]
	if now.way == WayRecords && one.ReplicationRecordID != "" {
		i := slices.IndexFunc(rows, func(row seenCopy) bool { return row.outcome.RecordID == one.ReplicationRecordID })
		if i < 0 {
			return seenCopy{}, false
		}
		return rows[i], true
	}
	row, fresh := c.newest(rows)
	row.outcome.RecordID = one.ReplicationRecordID
	return row, fresh
}

// newest returns the newest of a backup's copies to the destination that was not there before.
func (c *copying) newest(rows []seenCopy) (newest seenCopy, found bool) {
	for _, row := range rows {
		automatic := row.veto != "" && !c.auto
		if automatic || !row.to.meets(c.to) || c.before.has(row) {
			continue
		}
		if !found || row.created.After(newest.created.Time) {
			newest, found = row, true
		}
	}
	return newest, found
}

// token says what another process needs of all copies.
func (c *copying) token(ctx context.Context) (subject, error) {
	vault, from, err := c.locate(ctx)
	if err != nil {
		return subject{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	about := subject{
		ID: c.backup, Vault: vault, To: c.to, Auto: c.auto, From: from, Copies: slices.Clone(c.wanted), Several: c.several,
		Unnoted: c.before.first, Newest: TimeOf(c.before.newest),
	}
	if c.several {
		about.Copies = nil
	}
	about.Before = c.before.last
	return about, nil
}

// oneCopy is the copy of one backup.
type oneCopy struct{ *copying }

func (o oneCopy) name() string {
	return fmt.Sprintf("the copy of backup %s to %s", transport.Plain(o.backup), transport.Plain(o.to.Region))
}

func (o oneCopy) subject(ctx context.Context) (subject, error) { return o.token(ctx) }

func (o oneCopy) see(ctx context.Context) (drkit.Look[CopyOutcome], error) {
	return o.shown(o.look(ctx))
}

// shown is what a look has shown of the copy.
func (o oneCopy) shown(seen sight, err error) (drkit.Look[CopyOutcome], error) {
	switch {
	case err != nil:
		return drkit.Look[CopyOutcome]{}, err
	case seen.missing > 0:
		return drkit.Look[CopyOutcome]{}, fmt.Errorf("nothing tells of %s: %w", o.name(), drkit.ErrNotFound)
	case len(seen.outcomes) == 0 || seen.open:
		return drkit.Look[CopyOutcome]{Progress: underWay(seen)}, nil
	}
	outcome := seen.outcomes[0]
	return drkit.Look[CopyOutcome]{
		Progress: progressOf(outcome.Status, 100), Done: true, Result: outcome, Err: outcome.Err(),
	}, nil
}

// underWay is the progress of copies that have not all ended.
func underWay(seen sight) drkit.Progress {
	waiting := func(o CopyOutcome) bool { return o.Status == TaskStatusWaiting }
	if !slices.ContainsFunc(seen.outcomes, func(o CopyOutcome) bool { return !waiting(o) }) {
		return progressOf(TaskStatusWaiting, seen.percent)
	}
	return progressOf(TaskStatusRunning, seen.percent)
}

func (o oneCopy) watch(born time.Time, complete completion[CopyOutcome]) watch.Watch[drkit.Look[CopyOutcome]] {
	return watchCopies(o.copying, born, o.shown, complete)
}

// allCopies are the copies of the backups of a vault.
type allCopies struct{ *copying }

func (a allCopies) name() string {
	return fmt.Sprintf("the copies of vault %s to vault %s in %s",
		transport.Plain(a.vault), transport.Plain(a.to.Vault), transport.Plain(a.to.Region))
}

func (a allCopies) subject(ctx context.Context) (subject, error) { return a.token(ctx) }

func (a allCopies) see(ctx context.Context) (drkit.Look[ReplicationResult], error) {
	if a.nothing() {
		return a.shown(sight{}, nil)
	}
	return a.shown(a.look(ctx))
}

// nothing reports whether the service has found nothing to copy.
func (a allCopies) nothing() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.wanted) == 0 && !a.several
}

// shown is what a look has shown of all copies.
func (a allCopies) shown(seen sight, err error) (drkit.Look[ReplicationResult], error) {
	switch {
	case err != nil || seen.open:
		return drkit.Look[ReplicationResult]{Progress: underWay(seen)}, err
	case a.several && len(seen.outcomes) == 0:
		return drkit.Look[ReplicationResult]{}, fmt.Errorf("nothing tells of %s: %w", a.name(), drkit.ErrNotFound)
	}
	result := ReplicationResult{
		VaultID: a.vault, DestinationRegion: a.to.Region, DestinationProjectID: a.to.Project, DestinationVaultID: a.to.Vault,
		Copies: append([]CopyOutcome{}, seen.outcomes...),
	}
	parts := make([]part, len(seen.outcomes))
	for i, outcome := range seen.outcomes {
		parts[i] = part{status: outcome.Status, code: outcome.Code, err: outcome.Err(), outcome: outcome}
		if ways := []Way{WayRecords, WayTasks, WayDestination}; slices.Index(ways, outcome.Way) > slices.Index(ways, result.Way) {
			result.Way = outcome.Way
		}
	}
	look := drkit.Look[ReplicationResult]{Progress: progressOf(TaskStatusSuccess, 100), Done: true, Result: result}
	if failed := noneSucceeded(parts, "copies"); failed != nil {
		failed.ResourceID = a.vault
		look.Err, look.Progress = failed, progressOf(commonEnd(parts), 100)
	}
	return look, nil
}

func (a allCopies) watch(born time.Time, complete completion[ReplicationResult]) watch.Watch[drkit.Look[ReplicationResult]] {
	if a.nothing() {
		return taskwait.Ended(func(ctx context.Context) (drkit.Look[ReplicationResult], error) {
			look, err := a.shown(sight{}, nil)
			return complete(ctx, look, err)
		})
	}
	return watchCopies(a.copying, born, a.shown, complete)
}

// watchCopies looks at copies together with what others wait for at the same vault.
func watchCopies[T any](
	c *copying, born time.Time, shown func(sight, error) (drkit.Look[T], error), complete completion[T],
) watch.Watch[drkit.Look[T]] {
	c.mu.Lock()
	item, wait := copyItem(c.vault, c.backup), copyWait{c, c.from}
	c.mu.Unlock()
	changed, last, stop := c.client.watchCopies(item, wait, born)
	return watch.Watch[drkit.Look[T]]{Changed: changed, Stop: stop, Last: func(ctx context.Context) (drkit.Look[T], error) {
		now, err := last()
		var seen sight
		if err == nil {
			seen, err = c.judge(ctx, now)
		}
		look, err := shown(seen, err)
		return complete(ctx, look, err)
	}}
}
