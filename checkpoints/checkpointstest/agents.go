package checkpointstest

import (
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// agent is the backup agent on a host.
type agent struct {
	id       string
	project  *project
	said     agentRequest
	status   string
	created  time.Time
	updated  time.Time
	paths    []string
	pathIDs  map[string]string
	excluded map[string][]string
}

type agentRequest struct {
	AgentID      string `json:"agent_id"`
	AgentVersion string `json:"agent_version"`
	AgentType    string `json:"agent_type"`
	HostName     string `json:"host_name"`
	HostNickname string `json:"host_nickname"`
	HostIP       string `json:"host_ip"`
	HostOS       string `json:"host_os"`
	Status       string `json:"status,omitempty"`
}

type agentBody struct {
	agentRequest
	CreatedAt  stamp           `json:"created_at"`
	UpdatedAt  stamp           `json:"updated_at"`
	LastActive stamp           `json:"last_active_time"`
	Paths      []agentPathBody `json:"paths"`
}

type agentPathBody struct {
	ID           string `json:"id"`
	Status       string `json:"status"`
	AgentID      string `json:"agent_id"`
	DirPath      string `json:"dir_path"`
	ExcludePaths string `json:"exclude_paths"`
}

func (r *region) agentBody(a *agent) agentBody {
	q := &r.config.quirks
	body := agentBody{
		agentRequest: a.said, CreatedAt: q.stamp(a.created, TimesNoZone), UpdatedAt: q.stamp(a.updated, TimesNoZone),
		LastActive: q.stamp(r.now(), TimesNoZone), Paths: []agentPathBody{},
	}
	body.Status = a.status
	for _, path := range a.paths {
		body.Paths = append(body.Paths, agentPathBody{a.pathIDs[path], "available", a.id, path, strings.Join(a.excluded[path], ",")})
	}
	return body
}

func (v *visit) findAgent() (*agent, error) {
	id := v.argument(0)
	if a := v.region.agents.byID[id]; a != nil && a.project == v.project {
		return a, nil
	}
	return nil, v.missing(id, CodeResourceNotFound, "The agent %s does not exist.")
}

func (r *region) listAgents(v *visit) (any, error) {
	p, err := r.pageOf(v.call.Query)
	if err != nil {
		return nil, err
	}
	ids, status := v.call.Query["agent_id"], v.call.Query.Get("status")
	found := r.agents.matching(func(a *agent) bool {
		return a.project == v.project && (len(ids) == 0 || slices.Contains(ids, a.id)) && (status == "" || status == a.status)
	})
	bodies := []agentBody{}
	for _, a := range cut(found, p) {
		bodies = append(bodies, r.agentBody(a))
	}
	return r.pageBody("agents", bodies, len(found), p), nil
}

func (r *region) getAgent(v *visit) (any, error) {
	a, err := v.findAgent()
	if err != nil {
		return nil, err
	}
	return map[string]any{"agent": r.agentBody(a)}, nil
}

// registerAgent registers an agent, or changes one that is there.
func (r *region) registerAgent(v *visit) (any, error) {
	said, err := read[struct{ Agent agentRequest }](v)
	if err != nil {
		return nil, err
	}
	if !isID(said.Agent.AgentID) {
		return nil, refuse(CodeInvalidParameter, "The agent_id %q is invalid.", said.Agent.AgentID)
	}
	a := r.agents.byID[said.Agent.AgentID]
	if a == nil {
		a = &agent{id: said.Agent.AgentID, project: v.project, created: r.now(), pathIDs: map[string]string{}, excluded: map[string][]string{}}
		r.agents.put(a.id, a)
	}
	a.said, a.status, a.updated = said.Agent, "normal", r.now()
	a.said.AgentType = or(a.said.AgentType, "cloud")
	return map[string]any{"agent": r.agentBody(a)}, nil
}

func (r *region) updateAgent(v *visit) (any, error) {
	a, err := v.findAgent()
	if err != nil {
		return nil, err
	}
	said, err := read[struct{ Agent agentRequest }](v)
	if err != nil {
		return nil, err
	}
	if said.Agent.Status != "uninstall" {
		return nil, refuse(CodeInvalidParameter, "The status %q is invalid.", said.Agent.Status)
	}
	a.status, a.updated = said.Agent.Status, r.now()
	return map[string]any{"agent": r.agentBody(a)}, nil
}

func (r *region) removeAgent(v *visit) (any, error) {
	a, err := v.findAgent()
	if err == nil {
		r.agents.drop(a.id)
	}
	return nil, err
}

func (r *region) addPaths(v *visit) (any, error) {
	a, err := v.findAgent()
	if err != nil {
		return nil, err
	}
	said, err := read[struct {
		AddPath     []string `json:"add_path"`
		ExcludePath []struct {
			PathName string   `json:"path_name"`
			Excluded []string `json:"exclude_path_name"`
		} `json:"exclude_path"`
	}](v)
	if err != nil {
		return nil, err
	}
	added, existed := []string{}, []string{}
	for _, path := range said.AddPath {
		if slices.Contains(a.paths, path) {
			existed = append(existed, path)
			continue
		}
		added = append(added, path)
		a.paths, a.pathIDs[path] = append(a.paths, path), simkit.FreshID()
	}
	for _, excluded := range said.ExcludePath {
		a.excluded[excluded.PathName] = excluded.Excluded
	}
	return map[string]any{"added": added, "existed": existed}, nil
}

func (r *region) removePaths(v *visit) (any, error) {
	a, err := v.findAgent()
	if err != nil {
		return nil, err
	}
	said, err := read[struct {
		RemovePath []string `json:"remove_path"`
	}](v)
	if err != nil {
		return nil, err
	}
	removed, missing := []string{}, []string{}
	for _, path := range said.RemovePath {
		if !slices.Contains(a.paths, path) {
			missing = append(missing, path)
			continue
		}
		removed = append(removed, path)
		a.paths = slices.DeleteFunc(a.paths, func(one string) bool { return one == path })
	}
	return map[string]any{"removed": removed, "not_existed": missing}, nil
}

// checkAgents says of hosts whether they have an agent: those whose agent has the id of the server, or its name.
func (r *region) checkAgents(v *visit) (any, error) {
	said, err := read[struct {
		AgentStatus []struct {
			ResourceID   string `json:"resource_id"`
			ResourceName string `json:"resource_name"`
			ResourceType string `json:"resource_type"`
		} `json:"agent_status"`
	}](v)
	if err != nil {
		return nil, err
	}
	bodies := []map[string]any{}
	for _, host := range said.AgentStatus {
		body := map[string]any{
			"resource_id": host.ResourceID, "installed": false, "is_old": false, "version": "", "code": 0, "message": "",
		}
		for _, a := range r.agents.all {
			if a.project == v.project && (a.id == host.ResourceID || (host.ResourceName != "" && a.said.HostName == host.ResourceName)) {
				body["installed"], body["version"] = true, a.said.AgentVersion
			}
		}
		bodies = append(bodies, body)
	}
	return map[string]any{"agent_status": bodies}, nil
}
