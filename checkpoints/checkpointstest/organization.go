package checkpointstest

import (
	"encoding/json"
	"maps"

	"github.com/drkit-go/drkit/internal/simkit"
)

// orgPolicy is a policy for all projects of an organization. Here it is kept and shown, and acts nowhere.
type orgPolicy struct {
	id     string
	domain *domain
	said   map[string]json.RawMessage
}

type orgPolicyRequest struct {
	Policy map[string]json.RawMessage `json:"policy"`
}

func (p *orgPolicy) kind() string {
	var kind string
	_ = json.Unmarshal(p.said["operation_type"], &kind) // the contract says that it is text
	return kind
}

func (p *orgPolicy) body() map[string]any {
	body := map[string]any{"id": p.id, "domain_id": p.domain.id, "domain_name": p.domain.name, "status": "available"}
	for name, value := range p.said {
		body[name] = value
	}
	return body
}

func (v *visit) findOrgPolicy() (*orgPolicy, error) {
	id := v.argument(0)
	if p := v.region.orgPolicies.byID[id]; p != nil && p.domain == v.domain {
		return p, nil
	}
	return nil, v.missing(id, CodePolicyNotFound, "The organization policy %s does not exist.")
}

func (r *region) createOrgPolicy(v *visit) (any, error) {
	said, err := read[orgPolicyRequest](v)
	if err != nil {
		return nil, err
	}
	made := &orgPolicy{id: simkit.FreshID(), domain: v.domain, said: said.Policy}
	r.orgPolicies.put(made.id, made)
	return map[string]any{"policy": made.body()}, nil
}

func (r *region) listOrgPolicies(v *visit) (any, error) {
	p, err := r.pageOf(v.call.Query)
	if err != nil {
		return nil, err
	}
	kind := v.call.Query.Get("operation_type")
	found := r.orgPolicies.matching(func(one *orgPolicy) bool { return one.domain == v.domain && one.kind() == kind })
	bodies := []map[string]any{}
	for _, one := range cut(found, p) {
		bodies = append(bodies, one.body())
	}
	return r.pageBody("policies", bodies, len(found), p), nil
}

func (r *region) getOrgPolicy(v *visit) (any, error) {
	p, err := v.findOrgPolicy()
	if err != nil {
		return nil, err
	}
	return map[string]any{"policy": p.body()}, nil
}

func (r *region) updateOrgPolicy(v *visit) (any, error) {
	p, err := v.findOrgPolicy()
	if err != nil {
		return nil, err
	}
	said, err := read[orgPolicyRequest](v)
	if err != nil {
		return nil, err
	}
	maps.Copy(p.said, said.Policy)
	return map[string]any{"policy": p.body()}, nil
}

func (r *region) deleteOrgPolicy(v *visit) (any, error) {
	p, err := v.findOrgPolicy()
	if err == nil {
		r.orgPolicies.drop(p.id)
	}
	return nil, err
}

// orgPolicyDetail says that a policy has reached every project of the account here.
func (r *region) orgPolicyDetail(v *visit) (any, error) {
	p, err := v.findOrgPolicy()
	if err != nil {
		return nil, err
	}
	at, err := r.pageOf(v.call.Query)
	if err != nil {
		return nil, err
	}
	rows := []map[string]any{}
	for _, in := range r.projects {
		if in.domain == p.domain {
			rows = append(rows, map[string]any{"policy_id": p.id, "domain_id": p.domain.id, "project_id": in.id, "status": "success"})
		}
	}
	return r.pageBody("policies", cut(rows, at), len(rows), at), nil
}

// regionProjects lists the projects of whoever asks.
func (r *region) regionProjects(v *visit) (any, error) {
	rows := []map[string]any{}
	for _, in := range r.projects {
		if in.domain == v.domain {
			rows = append(rows, map[string]any{
				"id": in.id, "name": in.name, "domain_id": in.domain.id, "parent_id": in.domain.id, "is_domain": false,
				"description": "", "enabled": true, "links": map[string]any{"self": r.url + "/v3/projects/" + in.id},
			})
		}
	}
	return map[string]any{"projects": rows, "links": map[string]any{"self": r.url + "/v3/region-projects"}}, nil
}

func (r *region) domainProjects(v *visit) (any, error) {
	name := v.argument(0)
	rows := []map[string]any{}
	for _, in := range r.projects {
		if in.domain.name == name {
			rows = append(rows, map[string]any{"project_id": in.id, "project_name": in.name})
		}
	}
	if len(rows) == 0 {
		return nil, refuse(CodeInvalidParameter, "The account %s has no projects.", name)
	}
	return map[string]any{"projects": rows}, nil
}

func (r *region) projectDomain(v *visit) (any, error) {
	in := r.project(v.argument(0))
	if in == nil {
		return nil, v.missing(v.argument(0), CodeInvalidParameter, "The project %s does not exist.")
	}
	return map[string]any{
		"project_id": in.id, "project_name": in.name, "domain_id": in.domain.id, "domain_name": in.domain.name,
	}, nil
}

// migrate and migration are about the services that came before this one. There is nothing of them here.
func (r *region) migrate(*visit) (any, error) { return map[string]string{}, nil }

func (r *region) migration(*visit) (any, error) {
	return nil, refuse(CodeNoMigration, "There is no migration.")
}
