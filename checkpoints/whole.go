package checkpoints

import (
	"context"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// reading is how a list is read.
type reading int

const (
	// strictly is for notes and looks: a list that moves while it is read is read again.
	strictly reading = iota
	// leniently is for looks that are repeated anyway: a row that slips from one page to another is seen the next time,
	// and no page overlaps another.
	leniently
)

// backups reads a list of backups to its end.
func (c *Client) backups(ctx context.Context, query BackupQuery, how reading) ([]Backup, error) {
	if how == strictly {
		return drkit.Collect(c.Backups.List(ctx, query))
	}
	return wholeList(func(row *Backup) string { return row.ID }, func(offset int) (transport.Page[Backup], error) {
		query.Offset = offset
		return c.Backups.page(ctx, query)
	})
}

// tasks reads a list of tasks to its end.
func (c *Client) tasks(ctx context.Context, query TaskQuery, how reading) ([]Task, error) {
	if how == strictly {
		return drkit.Collect(c.Tasks.List(ctx, query))
	}
	return wholeList(func(row *Task) string { return row.ID }, func(offset int) (transport.Page[Task], error) {
		query.Offset = offset
		return c.Tasks.page(ctx, query)
	})
}

// wholeList reads page after page until the list is at its end, or brings nothing new.
func wholeList[T any](id func(*T) string, fetch func(offset int) (transport.Page[T], error)) ([]T, error) {
	var all []T
	known := map[string]bool{}
	for offset := 0; ; {
		page, err := fetch(offset)
		if err != nil {
			return nil, err
		}
		before := len(all)
		for i := range page.Items {
			if row := &page.Items[i]; !known[id(row)] {
				known[id(row)] = true
				all = append(all, *row)
			}
		}
		offset += len(page.Items)
		if len(all) == before || page.Total > 0 && offset >= page.Total {
			return all, nil
		}
	}
}

// slack is how much earlier than the service's own time a list is asked for: more than any zone that a time without
// one could be in.
const slack = 24 * time.Hour

// wellBefore returns a time to ask a list from, by one that the service has named; zero for none. Lists that begin on
// the same day are the same, so that waits can share them.
func wellBefore(at Time) Time {
	if at.IsZero() {
		return Time{}
	}
	return TimeOf(at.Add(-slack).Truncate(slack))
}
