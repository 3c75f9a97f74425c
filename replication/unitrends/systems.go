package unitrends

import (
	"context"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// Systems are the appliances that one knows: itself, those that it manages, its sources, and the requests of
// sources.
type Systems struct{ at place }

// SystemQuery chooses what [Systems.List] lists beside systems. Its zero value leaves that to the appliance.
//
// Source: Unitrends API wiki, "(GET) /systems".
type SystemQuery struct {
	// Also requests of sources that are pending; true by default.
	IncludePending drkit.Opt[bool]
	// Also requests that were rejected; false by default, and no use without the pending ones.
	IncludeRejected drkit.Opt[bool]
}

// List returns all systems that match query. It is safe to repeat.
//
// Source: Unitrends API wiki, "(GET) /systems".
func (s *Systems) List(ctx context.Context, query SystemQuery) ([]System, error) {
	var answer struct{ Appliance rows[System] }
	err := s.at.do(ctx, transport.Call{
		Operation: &contract.SystemsList, Query: query.flags(), Check: answer.Appliance.in("appliance"),
	}, &answer)
	return answer.Appliance.all, err
}

// systemFlags are a SystemQuery as it is sent: the service takes 0 and 1.
type systemFlags struct {
	Pending  drkit.Opt[int] `url:"include_pending,omitempty"`
	Rejected drkit.Opt[int] `url:"include_rejected,omitempty"`
}

func (q SystemQuery) flags() systemFlags {
	return systemFlags{flag(q.IncludePending), flag(q.IncludeRejected)}
}

func flag(include drkit.Opt[bool]) drkit.Opt[int] {
	switch yes, set := include.Get(); {
	case !set:
		return drkit.Opt[int]{}
	case yes:
		return drkit.Some(1)
	default:
		return drkit.Some(0)
	}
}
