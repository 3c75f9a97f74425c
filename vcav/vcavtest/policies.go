package vcavtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/drkit-go/drkit/internal/simkit"
)

// policySettings are the members of a policy that requests carry.
type policySettings struct {
	DisplayName                    string `json:"displayName"`
	MinRPO                         int    `json:"minRpo"`
	MaxInstances                   int    `json:"maxInstances"`
	MaxPinnedInstances             int    `json:"maxPinnedInstances"`
	MaxIncoming                    int    `json:"maxIncoming"`
	AllowIncomingProtections       bool   `json:"allowIncomingProtections"`
	AllowOutgoingProtections       bool   `json:"allowOutgoingProtections"`
	AllowIncomingMigrations        bool   `json:"allowIncomingMigrations"`
	AllowOutgoingMigrations        bool   `json:"allowOutgoingMigrations"`
	OnPremDataCap                  int    `json:"onpremDataCap"`
	AllowCustomSLASettings         bool   `json:"allowCustomSlaSettings"`
	AllowNotificationConfiguration bool   `json:"allowNotificationConfiguration"`
}

// policyBody is a policy as answers show it.
type policyBody struct {
	ID   string `json:"id"`
	Orgs int    `json:"orgs"` // -1 for the default policy
	policySettings
	extra map[string]json.RawMessage
}

// MarshalJSON adds the members that the guide does not have.
func (b policyBody) MarshalJSON() ([]byte, error) {
	type plain policyBody
	body, err := json.Marshal(plain(b))
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", b.ID, err)
	}
	for _, name := range slices.Sorted(maps.Keys(b.extra)) {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, fmt.Errorf("policy %s: %w", b.ID, err)
		}
		body = slices.Concat(body[:len(body)-1], []byte(","), key, []byte(":"), b.extra[name], []byte("}"))
	}
	return body, nil
}

func (p *policies) body(of *policy) policyBody {
	body := policyBody{ID: of.id, Orgs: len(p.orgs(of)), policySettings: of.settings, extra: of.extra}
	if of.id == defaultPolicyID {
		body.Orgs = -1
	}
	return body
}

// findPolicy returns the policy of a call at a site.
func findPolicy(call *simkit.Call, s *site) (*policy, error) {
	id := call.Arguments["policyId"]
	if found := s.policies.byID(id); found != nil {
		return found, nil
	}
	return nil, refuse(http.StatusNotFound, CodePolicyNotFound, "Policy with id '%s' was not found.", id)
}

func (a *appliance) listPolicies(_ *simkit.Call, v *visit) (any, error) {
	bodies := []policyBody{}
	for _, p := range v.site.policies.all {
		bodies = append(bodies, v.site.policies.body(p))
	}
	return bodies, nil
}

func (a *appliance) getPolicy(call *simkit.Call, v *visit) (any, error) {
	p, err := findPolicy(call, v.site)
	if err != nil {
		return nil, err
	}
	return v.site.policies.body(p), nil
}

// readPolicy reads all of a policy's members from a request; what it leaves out gets its default.
func (a *appliance) readPolicy(call *simkit.Call, of *policies, except *policy) (policySettings, map[string]json.RawMessage, error) {
	var given policySettings
	var members map[string]json.RawMessage
	if err := json.Unmarshal(call.Body, &given); err != nil {
		return given, nil, fmt.Errorf("the policy does not decode: %w", err)
	}
	if err := json.Unmarshal(call.Body, &members); err != nil {
		return given, nil, fmt.Errorf("the policy does not decode: %w", err)
	}
	switch {
	case given.DisplayName == "":
		return given, nil, refuse(http.StatusBadRequest, CodeBadUserInput, "The displayName of a policy must not be empty.")
	case given.MinRPO < 0 || given.MaxInstances < 0 || given.MaxPinnedInstances < 0 || given.OnPremDataCap < 0:
		return given, nil, refuse(http.StatusBadRequest, CodeBadUserInput, "Only maxIncoming may be negative.")
	case of.nameTaken(given.DisplayName, except):
		return given, nil, refuse(http.StatusConflict, CodePolicyNameTaken, "There is a policy of the name '%s'.", given.DisplayName)
	}
	extra := maps.Clone(a.config.policyMembers)
	for name := range extra {
		if value, ok := members[name]; ok {
			extra[name] = value
		}
	}
	return given, extra, nil
}

func (a *appliance) createPolicy(call *simkit.Call, _ *visit) (any, error) {
	of := &a.local().policies
	settings, extra, err := a.readPolicy(call, of, nil)
	if err != nil {
		return nil, err
	}
	made := &policy{id: freshID(), settings: settings, extra: extra}
	of.all = append(of.all, made)
	call.Resource = made.id
	return of.body(made), nil
}

func (a *appliance) updatePolicy(call *simkit.Call, _ *visit) (any, error) {
	of := &a.local().policies
	p, err := findPolicy(call, a.local())
	if err != nil {
		return nil, err
	}
	settings, extra, err := a.readPolicy(call, of, p)
	if err != nil {
		return nil, err
	}
	p.settings, p.extra = settings, extra
	return of.body(p), nil
}

func (a *appliance) deletePolicy(call *simkit.Call, _ *visit) (any, error) {
	of := &a.local().policies
	p, err := findPolicy(call, a.local())
	if err != nil {
		return nil, err
	}
	orgs := of.orgs(p)
	switch {
	case p.id == defaultPolicyID:
		return nil, refuse(http.StatusConflict, CodeDefaultPolicy, "The default policy cannot be deleted.")
	case len(orgs) > 0:
		return nil, refuse(http.StatusConflict, CodePolicyInUse, "Policy '%s' is assigned to %d organizations.", p.id, len(orgs))
	}
	of.all = slices.DeleteFunc(of.all, func(other *policy) bool { return other == p })
	return nil, nil
}

func (a *appliance) assignPolicy(call *simkit.Call, _ *visit) (any, error) {
	p, err := findPolicy(call, a.local())
	if err != nil {
		return nil, err
	}
	org := call.Arguments["org"]
	if !slices.Contains(a.local().orgs, org) {
		return nil, refuse(http.StatusNotFound, CodeOrgNotFound, "Organization '%s' was not found.", org)
	}
	a.local().policies.assign(org, p)
	return nil, nil
}

// syncPolicies has nothing to do at its end: organizations neither come nor go here, and those without a
// policy have the default one at once.
func (a *appliance) syncPolicies(call *simkit.Call, v *visit) (any, error) {
	return a.begin(call, v, &task{kind: typeSync, resourceType: resourcePolicies})
}
