package checkpoints

import "slices"

// span is from when to when backups were made; a zero end is open. A vault may hold thousands, and copies are mostly
// of the newest: who waits for those asks for no others.
type span struct{ from, to Time }

// of is the query for the backups of a vault that were made then, give or take a day.
func (s span) of(vault string) BackupQuery {
	query := BackupQuery{VaultID: vault, StartTime: wellBefore(s.from)}
	if !s.to.IsZero() {
		query.EndTime = wellBefore(TimeOf(s.to.Add(3 * slack)))
	}
	return query
}

// with is the span that holds both.
func (s span) with(other span) span {
	joint := span{from: earlier(s.from, other.from)}
	if !s.to.IsZero() && !other.to.IsZero() {
		joint.to = s.to
		if other.to.After(s.to.Time) {
			joint.to = other.to
		}
	}
	return joint
}

// earlier returns the earlier of two times, of which a zero one is before all others.
func earlier(a, b Time) Time {
	if b.Before(a.Time) {
		return b
	}
	return a
}

// made says when the backups were made that were read with the copies.
func (c *copies) made() map[string]Time {
	made := make(map[string]Time, len(c.backups))
	for _, backup := range c.backups {
		made[backup.ID] = backup.CreatedAt
	}
	return made
}

// lately is when the backups were made that copies are waited for of; open where that is not known.
func (c *copying) lately() span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made
}

// narrow lets the next looks ask for no more backups than are waited for, unless some are not found that way. The
// caller holds the lock.
func (c *copying) narrow(now *copies) {
	if c.wide || now.way != WayRecords {
		return
	}
	var all bool
	c.made, all = c.spanOf(now.made())
	c.wide = !all
}

// spanOf is the span of the backups whose copies have not ended, and whether all of them are known: otherwise it is
// open, as it is where more may come to light.
func (c *copying) spanOf(made map[string]Time) (whole span, all bool) {
	open := slices.DeleteFunc(slices.Clone(c.wanted), func(one ReplicatedBackup) bool {
		_, over := c.ended[one.BackupID]
		return over
	})
	for i, one := range open {
		at := made[one.BackupID]
		if c.several || at.IsZero() {
			return span{}, false
		}
		its := span{at, at}
		if i == 0 {
			whole = its
		}
		whole = whole.with(its)
	}
	return whole, true
}
