package checkpointstest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Types of policies.
const (
	policyBackup      = "backup"
	policyReplication = "replication"
)

// policy is the state of one policy.
type policy struct {
	id, name   string
	project    *project
	enabled    bool
	kind       string
	definition definitionBody
	triggerID  string
	patterns   []string
	created    time.Time
}

// application is a policy that is applied to a vault.
type application struct {
	policy      *policy
	destination string // id of a vault in another region; empty for backups
}

// definitionBody is operation_definition: what is left out is absent.
type definitionBody struct {
	RetentionDays      *int   `json:"retention_duration_days,omitempty"`
	MaxBackups         *int   `json:"max_backups,omitempty"`
	Day                *int   `json:"day_backups,omitempty"`
	Week               *int   `json:"week_backups,omitempty"`
	Month              *int   `json:"month_backups,omitempty"`
	Year               *int   `json:"year_backups,omitempty"`
	Timezone           string `json:"timezone,omitempty"`
	DestinationRegion  string `json:"destination_region,omitempty"`
	DestinationProject string `json:"destination_project_id,omitempty"`
	Accelerated        *bool  `json:"enable_acceleration,omitempty"`
	FullInterval       *int   `json:"full_backup_interval,omitempty"`
	CrossAccountURN    string `json:"cross_account_urn,omitempty"`
}

// check reports what of a definition the service refuses.
func (d definitionBody) check(r *region, kind string) error {
	longTerm := 0
	for _, count := range []*int{d.Day, d.Week, d.Month, d.Year} {
		if count == nil {
			continue
		}
		if *count < 0 || *count > 100 {
			return refuse(CodeInvalidParameter, "A number of long-term backups is not within 0 and 100.")
		}
		longTerm += *count
	}
	days, most := valueOr(d.RetentionDays, -1), valueOr(d.MaxBackups, -1)
	least := 1
	if r.hwc() {
		least = 0
	}
	switch {
	case days != -1 && (days < 1 || days > 99999):
		return refuse(CodeInvalidParameter, "The retention_duration_days %d is invalid.", days)
	case most != -1 && (most < least || most > 99999):
		return refuse(CodeInvalidParameter, "The max_backups %d is invalid.", most)
	case days != -1 && (most != -1 || longTerm > 0):
		return refuse(CodeInvalidParameter, "The retention_duration_days exclude max_backups and long-term backups.")
	case longTerm > 0 && d.Timezone == "":
		return refuse(CodeInvalidParameter, "Long-term backups need a timezone.")
	case kind == policyReplication && (d.DestinationRegion == "" || d.DestinationProject == ""):
		return refuse(CodeInvalidParameter, "A replication needs destination_region and destination_project_id.")
	case kind == policyReplication && d.DestinationRegion == r.name:
		return refuse(CodeInvalidParameter, "The destination region must differ from the current one.")
	case kind == policyReplication && !slices.Contains(r.destinations(), d.DestinationRegion):
		return refuse(CodeRegionCannotReplicate, "The region %s cannot be replicated to.", d.DestinationRegion)
	}
	return nil
}

func valueOr(given *int, otherwise int) int {
	if given == nil {
		return otherwise
	}
	return *given
}

// closest is how near two points in time of a trigger may be, so that there are at most 24 a day.
const (
	closest      = time.Hour
	mostPatterns = 24
)

var weekdays = []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}

// checkPatterns reports what of a trigger the service refuses.
//
// Source: Cloud Backup and Recovery API reference, "Creating a Policy", parameter pattern.
func checkPatterns(patterns []string) error {
	if len(patterns) == 0 || len(patterns) > mostPatterns {
		return refuse(CodeInvalidParameter, "There are not within 1 and %d patterns.", mostPatterns)
	}
	var points []time.Duration // of the week
	for _, pattern := range patterns {
		more, err := pointsOf(pattern)
		if err != nil {
			return err
		}
		points = append(points, more...)
	}
	slices.Sort(points)
	const week = 7 * 24 * time.Hour
	for i, at := range points {
		next := points[(i+1)%len(points)]
		if i+1 == len(points) {
			next += week
		}
		if next-at < closest {
			return refuse(CodeInvalidParameter, "Two points in time are closer than one hour.")
		}
	}
	return nil
}

// pointsOf reads one recurrence rule.
func pointsOf(pattern string) ([]time.Duration, error) {
	wrong := refuse(CodeInvalidParameter, "The pattern %q is invalid.", pattern)
	days, hours, minutes, frequent := weekdays, []int{0}, []int{0}, false
	for part := range strings.SplitSeq(pattern, ";") {
		name, value, _ := strings.Cut(part, "=")
		ok := true
		switch name {
		case "FREQ":
			frequent = value == "DAILY" || value == "WEEKLY"
		case "BYDAY":
			days = strings.Split(value, ",")
			ok = !slices.ContainsFunc(days, func(day string) bool { return !slices.Contains(weekdays, day) })
		case "BYHOUR":
			hours, ok = numbers(value, 23)
		case "BYMINUTE":
			minutes, ok = numbers(value, 59)
		case "INTERVAL":
			interval, err := strconv.Atoi(value)
			ok = err == nil && interval > 0
		default:
			ok = false
		}
		if !ok {
			return nil, wrong
		}
	}
	if !frequent {
		return nil, wrong
	}
	var points []time.Duration
	for _, day := range days {
		for _, hour := range hours {
			for _, minute := range minutes {
				hours := slices.Index(weekdays, day)*24 + hour
				points = append(points, time.Duration(hours)*time.Hour+time.Duration(minute)*time.Minute)
			}
		}
	}
	return points, nil
}

func numbers(list string, most int) (found []int, ok bool) {
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > most {
			return nil, false
		}
		found = append(found, n)
	}
	return found, true
}

type policyBody struct {
	ID                  string            `json:"id"`
	Name                string            `json:"name"`
	Enabled             bool              `json:"enabled"`
	OperationType       string            `json:"operation_type"`
	OperationDefinition definitionBody    `json:"operation_definition"`
	Trigger             triggerBody       `json:"trigger"`
	AssociatedVaults    []applicationBody `json:"associated_vaults"`
	PolicyType          *string           `json:"policy_type,omitempty"`
}

type triggerBody struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Properties propertiesBody `json:"properties"`
}

type propertiesBody struct {
	Pattern   []string `json:"pattern"`
	StartTime stamp    `json:"start_time"`
}

type applicationBody struct {
	VaultID            string `json:"vault_id"`
	DestinationVaultID string `json:"destination_vault_id,omitempty"`
}

func (r *region) policyBody(p *policy) policyBody {
	body := policyBody{
		ID: p.id, Name: p.name, Enabled: p.enabled, OperationType: p.kind, OperationDefinition: p.definition,
		Trigger: triggerBody{ID: p.triggerID, Name: "default", Type: "time", Properties: propertiesBody{
			Pattern: p.patterns, StartTime: r.config.quirks.stamp(p.created, TimesSpaced),
		}},
		AssociatedVaults: []applicationBody{}, PolicyType: onlyHere(r, "custom_policy"),
	}
	for _, v := range r.vaults.all {
		for _, applied := range v.policies {
			if applied.policy == p {
				body.AssociatedVaults = append(body.AssociatedVaults, applicationBody{v.id, applied.destination})
			}
		}
	}
	return body
}

type policyRequest struct {
	Policy struct {
		Name       *string         `json:"name"`
		Enabled    *bool           `json:"enabled"`
		Kind       string          `json:"operation_type"`
		Definition *definitionBody `json:"operation_definition"`
		Trigger    *struct {
			Properties struct {
				Pattern []string `json:"pattern"`
			} `json:"properties"`
		} `json:"trigger"`
	} `json:"policy"`
}

// change puts what a request says into a policy, all of it or nothing.
func (p *policy) change(r *region, said policyRequest) error {
	changed := *p
	wanted := said.Policy
	if wanted.Name != nil {
		changed.name = *wanted.Name
	}
	if wanted.Enabled != nil {
		changed.enabled = *wanted.Enabled
	}
	if wanted.Definition != nil {
		changed.definition = *wanted.Definition
	}
	if wanted.Trigger != nil {
		changed.patterns = wanted.Trigger.Properties.Pattern
	}
	if !resourceName.MatchString(changed.name) {
		return refuse(CodeInvalidParameter, "The name %q is invalid.", changed.name)
	}
	if err := changed.definition.check(r, changed.kind); err != nil {
		return err
	}
	if err := checkPatterns(changed.patterns); err != nil {
		return err
	}
	*p = changed
	return nil
}

func (r *region) createPolicy(v *visit) (any, error) {
	said, err := read[policyRequest](v)
	if err != nil {
		return nil, err
	}
	made := &policy{
		project: v.project, enabled: true, kind: said.Policy.Kind, triggerID: simkit.FreshID(), created: r.now(),
	}
	if made.kind != policyBackup && made.kind != policyReplication {
		return nil, refuse("BackupService.6117", "The type %q is unknown.", made.kind)
	}
	same := r.policies.matching(func(p *policy) bool { return p.kind == made.kind && p.project.domain == v.domain })
	if len(same) >= r.config.policyQuota {
		return nil, refuse(CodeTooManyPolicies, "There are %d policies for %s already.", len(same), made.kind)
	}
	if err := made.change(r, said); err != nil {
		return nil, err
	}
	made.id, _ = r.cloud.claim("") // a fresh one is never taken
	r.policies.put(made.id, made)
	r.deeds.policyMade(made.name)
	return map[string]any{"policy": r.policyBody(made)}, nil
}

func (v *visit) policyNamed(id string) (*policy, error) {
	found := v.region.policies.byID[id]
	if found != nil && found.project == v.project {
		return found, nil
	}
	return nil, v.missing(id, CodePolicyNotFound, "The policy %s does not exist.")
}

func (r *region) getPolicy(v *visit) (any, error) {
	found, err := v.policyNamed(v.argument(0))
	if err != nil {
		return nil, err
	}
	return map[string]any{"policy": r.policyBody(found)}, nil
}

func (r *region) listPolicies(v *visit) (any, error) {
	kind, vaultID := v.call.Query.Get("operation_type"), v.call.Query.Get("vault_id")
	bodies := []policyBody{}
	for _, p := range r.policies.all {
		body := r.policyBody(p)
		applied := func(a applicationBody) bool { return a.VaultID == vaultID }
		if p.project == v.project && (kind == "" || kind == p.kind) && (vaultID == "" || slices.ContainsFunc(body.AssociatedVaults, applied)) {
			bodies = append(bodies, body)
		}
	}
	return map[string]any{"policies": bodies, "count": len(bodies)}, nil
}

func (r *region) updatePolicy(v *visit) (any, error) {
	found, err := v.policyNamed(v.argument(0))
	if err != nil {
		return nil, err
	}
	said, err := read[policyRequest](v)
	if err != nil {
		return nil, err
	}
	if said.Policy.Kind != "" && said.Policy.Kind != found.kind {
		return nil, refuse(CodeInvalidParameter, "The operation_type cannot be changed.")
	}
	wanted := said.Policy.Definition
	used := len(r.policyBody(found).AssociatedVaults) > 0
	if used && wanted != nil && wanted.DestinationRegion != found.definition.DestinationRegion {
		return nil, refuse(CodeRegionFixed, "The destination region cannot be changed while the policy is in use.")
	}
	if err := found.change(r, said); err != nil {
		return nil, err
	}
	return map[string]any{"policy": r.policyBody(found)}, nil
}

// deletePolicy also takes the policy from its vaults.
func (r *region) deletePolicy(v *visit) (any, error) {
	found, err := v.policyNamed(v.argument(0))
	if err != nil {
		return nil, err
	}
	for _, one := range r.vaults.all {
		one.policies = slices.DeleteFunc(one.policies, func(a *application) bool { return a.policy == found })
	}
	r.policies.drop(found.id)
	return nil, nil
}
