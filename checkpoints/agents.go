package checkpoints

import (
	"context"
	"errors"
	"iter"

	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Agents are those on hosts. Huawei Cloud only.
type Agents struct{ resource }

// Check returns which servers have an agent for consistent backups. It is safe to repeat.
//
// Source: the code of a client.
func (a *Agents) Check(ctx context.Context, servers []AgentCheck) ([]AgentState, error) {
	type agents[T any] struct {
		Agents []T `json:"agent_status"`
	}
	if len(servers) == 0 {
		return nil, wrong(&contract.AgentsCheck, errors.New("there are no servers"))
	}
	var answer agents[AgentState]
	err := a.do(ctx, transport.Call{Operation: &contract.AgentsCheck, Body: agents[AgentCheck]{servers}}, &answer)
	return answer.Agents, err
}

// List walks the agents of file backup that match query. query.Limit is the rows a page; the walk goes on to the
// last page. Identifiers that are empty, but not nil, match nothing. It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if agents keep coming or going while the list is read.
//
// Source: the code of a client.
func (a *Agents) List(ctx context.Context, query AgentQuery) iter.Seq2[Agent, error] {
	if query.AgentIDs != nil && len(query.AgentIDs) == 0 {
		return none[Agent]
	}
	return rows(ctx, a.resource, transport.List[Agent]{
		Name: "checkpoints.Agents.List", Offset: query.Offset, Limit: query.Limit,
		ID: func(row *Agent) string { return row.AgentID },
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[Agent], error) {
			query := query
			query.Offset, query.Limit = offset, limit
			var page struct {
				Agents []Agent
				Count  *int
			}
			call := transport.Call{Operation: &contract.AgentsList, Query: query, Check: lists("agents", &page.Agents, &page.Count)}
			err := a.do(ctx, call, &page)
			return pageOf(page.Agents, page.Count), err
		},
	})
}

// Get returns an agent and what it backs up. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
//
// Source: the code of a client.
func (a *Agents) Get(ctx context.Context, id string) (Agent, error) {
	return a.one(ctx, transport.Call{Operation: &contract.AgentsGet, Path: []string{id}})
}

// Register makes an agent known.
//
// The request is sent at most once.
//
// Errors: [drkit.ErrOutcomeUnknown] if the answer was lost.
//
// Source: the code of a client.
func (a *Agents) Register(ctx context.Context, agent AgentCreate) (Agent, error) {
	if err := filled("agent id", agent.AgentID); err != nil {
		return Agent{}, wrong(&contract.AgentsRegister, err)
	}
	return a.one(ctx, transport.Call{Operation: &contract.AgentsRegister, Body: struct {
		Agent AgentCreate `json:"agent"`
	}{agent}})
}

// Update changes the state of an agent: [AgentStatusUninstall] has it uninstalled. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
//
// Source: the code of a client.
func (a *Agents) Update(ctx context.Context, id string, update AgentUpdate) (Agent, error) {
	return a.one(ctx, transport.Call{Operation: &contract.AgentsUpdate, Path: []string{id}, Body: struct {
		Agent AgentUpdate `json:"agent"`
	}{update}})
}

// one sends a call that answers an agent.
func (a *Agents) one(ctx context.Context, call transport.Call) (Agent, error) {
	var answer struct{ Agent Agent }
	call.Check = holds("agent", &answer.Agent.AgentID)
	err := a.do(ctx, call, &answer)
	return answer.Agent, err
}

// Remove forgets an agent. It is safe to repeat: a repeat that finds nothing counts as done.
//
// Errors: [drkit.ErrNotFound].
//
// Source: the code of a client.
func (a *Agents) Remove(ctx context.Context, id string) error {
	return a.do(ctx, transport.Call{Operation: &contract.AgentsRemove, Path: []string{id}}, nil)
}

// AddPaths has an agent back up more paths, and returns which of them are new. It is safe to repeat: a repeat finds
// them there.
//
// Errors: [drkit.ErrNotFound].
//
// Source: the code of a client.
func (a *Agents) AddPaths(ctx context.Context, id string, paths AddPaths) (AddedPaths, error) {
	if len(paths.AddPath) == 0 {
		return AddedPaths{}, wrong(&contract.AgentsAddPaths, errors.New("there are no paths"))
	}
	var added AddedPaths
	err := a.do(ctx, transport.Call{Operation: &contract.AgentsAddPaths, Path: []string{id}, Body: paths}, &added)
	return added, err
}

// RemovePaths has an agent back up fewer paths, and returns which of them were there. It is safe to repeat: a repeat
// does not find them.
//
// Errors: [drkit.ErrNotFound].
//
// Source: the code of a client.
func (a *Agents) RemovePaths(ctx context.Context, id string, paths []string) (RemovedPaths, error) {
	if len(paths) == 0 {
		return RemovedPaths{}, wrong(&contract.AgentsRemovePaths, errors.New("there are no paths"))
	}
	var removed RemovedPaths
	err := a.do(ctx, transport.Call{Operation: &contract.AgentsRemovePaths, Path: []string{id}, Body: struct {
		Paths []string `json:"remove_path"`
	}{paths}}, &removed)
	return removed, err
}
