package checkpoints

import (
	"context"
	"fmt"
	"slices"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// newMembers are the members that a backup gets, one for each project. Those of accounts cannot be told by theirs.
type newMembers struct {
	client   *Client
	backup   string
	projects []string
}

func (s newMembers) noun() string { return "the members of backup " + transport.Plain(s.backup) }

// members are those of the projects that there are.
func (s newMembers) members(ctx context.Context) ([]Member, error) {
	all, err := drkit.Collect(s.client.Members.List(ctx, s.backup, MemberQuery{}))
	return slices.DeleteFunc(all, func(m Member) bool { return !slices.Contains(s.projects, m.DestProjectID) }), err
}

// work finds the members whose answer was lost: whoever has added them, a backup is shared with a project once.
func (s newMembers) work() *transport.Work {
	return &transport.Work{
		Resource: s.noun(), Tasks: len(s.projects),
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			members, err := s.members(ctx)
			var jobs []transport.Job
			for _, member := range members {
				jobs = append(jobs, transport.Job{ID: member.ID, Started: member.CreatedAt.Time, Ended: true})
			}
			return jobs, err
		},
		State: nothingElse, Settle: asTheListsSay,
	}
}

// pursuit is what a poller shows of them.
func (s newMembers) pursuit(made *[]Member) pursuit[[]Member] {
	return &present[[]Member]{
		noun: s.noun(), about: subject{ID: s.backup, Projects: s.projects}, made: made,
		get: func(ctx context.Context) ([]Member, error) {
			members, err := s.members(ctx)
			if err == nil && len(members) < len(s.projects) {
				err = fmt.Errorf("%d of %d members of backup %s: %w", len(members), len(s.projects), transport.Plain(s.backup), drkit.ErrNotFound)
			}
			return members, err
		},
	}
}
