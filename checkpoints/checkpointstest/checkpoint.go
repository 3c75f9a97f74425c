package checkpointstest

import (
	"slices"
	"time"
	"unicode/utf8"
)

// checkpoint is the state of one restore point. What has become of it follows from its entries.
type checkpoint struct {
	id, name, description string
	project               *project
	vaultID, vaultName    string
	created               time.Time
	entries               []*entry
	skipped               []skippedBody
}

// entry is a resource in a checkpoint.
type entry struct {
	resource taskResource
	sizeGB   int
	backup   *backup // nil once it is deleted
	done     bool
	failed   bool
	countMB  int
	count    int
}

// States of a checkpoint.
const (
	checkpointAvailable  = "available"
	checkpointProtecting = "protecting"
	checkpointDeleting   = "deleting"
	checkpointError      = "error"
)

// status is available if at least one resource was backed up.
func (c *checkpoint) status() string {
	working, good, deleting := false, false, false
	for _, e := range c.entries {
		working = working || !e.done
		good = good || (e.done && !e.failed)
		deleting = deleting || (e.backup != nil && e.backup.leaving())
	}
	switch {
	case working:
		return checkpointProtecting
	case deleting:
		return checkpointDeleting
	case good:
		return checkpointAvailable
	default:
		return checkpointError
	}
}

type checkpointBody struct {
	ID        string              `json:"id"`
	ProjectID string              `json:"project_id"`
	Status    string              `json:"status"`
	CreatedAt stamp               `json:"created_at"`
	Vault     checkpointVaultBody `json:"vault"`
	ExtraInfo checkpointExtraBody `json:"extra_info"`
}

type checkpointVaultBody struct {
	ID        string                   `json:"id"`
	Name      string                   `json:"name"`
	Resources []checkpointResourceBody `json:"resources"`
	Skipped   []skippedBody            `json:"skipped_resources"`
}

type checkpointResourceBody struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Type          string `json:"type"`
	ProtectStatus string `json:"protect_status"`
	ExtraInfo     string `json:"extra_info"`
	ResourceSize  any    `json:"resource_size"` // GB, as text or number
	BackupSize    any    `json:"backup_size"`   // MB, as text or number
	BackupCount   any    `json:"backup_count"`  // as text or number
}

type skippedBody struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Name   string `json:"name"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

type checkpointExtraBody struct {
	Name              string `json:"name"`
	Description       string `json:"description"`
	RetentionDuration int    `json:"retention_duration"` // days; -1 for ever
}

func (r *region) checkpointBody(c *checkpoint) checkpointBody {
	q := &r.config.quirks
	body := checkpointBody{
		ID: c.id, ProjectID: c.project.id, Status: c.status(), CreatedAt: q.stamp(c.created, TimesNoZone),
		Vault: checkpointVaultBody{
			ID: c.vaultID, Name: c.vaultName, Resources: []checkpointResourceBody{}, Skipped: append([]skippedBody{}, c.skipped...),
		},
		ExtraInfo: checkpointExtraBody{Name: c.name, Description: c.description, RetentionDuration: -1},
	}
	for _, e := range c.entries {
		state := protectProtecting
		switch {
		case e.failed:
			state = protectError
		case e.done:
			state = protectAvailable
		}
		body.Vault.Resources = append(body.Vault.Resources, checkpointResourceBody{
			ID: e.resource.id, Name: e.resource.name, Type: e.resource.kind, ProtectStatus: state,
			ResourceSize: q.size(e.sizeGB), BackupSize: q.size(e.countMB), BackupCount: q.size(e.count),
		})
	}
	return body
}

func (r *region) getCheckpoint(v *visit) (any, error) {
	id := v.argument(0)
	c := r.checkpoints.byID[id]
	if c == nil || c.project != v.project {
		return nil, v.missing(id, CodeCheckpointNotFound, "The checkpoint %s does not exist.")
	}
	return map[string]any{"checkpoint": r.checkpointBody(c)}, nil
}

type checkpointRequest struct {
	Checkpoint struct {
		VaultID    string `json:"vault_id"`
		Parameters struct {
			AutoTrigger bool           `json:"auto_trigger"`
			Description string         `json:"description"`
			Incremental *bool          `json:"incremental"`
			Name        string         `json:"name"`
			Resources   []string       `json:"resources"`
			Details     []resourceBody `json:"resource_details"`
			PolicyID    string         `json:"policy_id"`
		} `json:"parameters"`
	} `json:"checkpoint"`
}

// createCheckpoint backs up a vault, or some of what it protects.
func (r *region) createCheckpoint(v *visit) (any, error) {
	said, err := read[checkpointRequest](v)
	if err != nil {
		return nil, err
	}
	from, err := v.vaultNamed(said.Checkpoint.VaultID)
	if err != nil {
		return nil, err
	}
	made, err := r.backUp(v, from, said)
	if err != nil {
		return nil, err
	}
	return map[string]any{"checkpoint": r.checkpointBody(made)}, nil
}

// backUp makes the checkpoint, its backups and a task for each resource.
func (r *region) backUp(v *visit, from *vault, said checkpointRequest) (*checkpoint, error) {
	wanted := said.Checkpoint.Parameters
	switch {
	case from.protectType != ProtectBackup:
		return nil, refuse(CodeTypeForbidsBackup, "A vault of %s has nothing to back up.", from.protectType)
	case !from.usable():
		return nil, refuse(CodeVaultForbidsBackup, "The vault is %s.", from.status)
	case wanted.Name != "" && !resourceName.MatchString(wanted.Name):
		return nil, refuse(CodeInvalidParameter, "The name %q is invalid.", wanted.Name)
	case utf8.RuneCountInString(wanted.Description) > 255:
		return nil, refuse(CodeInvalidParameter, "The description is longer than 255 characters.")
	case r.usedMB(from) >= from.sizeGB*1024 && !from.autoExpand:
		return nil, refuse(CodeVaultFull, "The vault is full.")
	}
	members, err := from.toBackUp(said)
	if err != nil {
		return nil, err
	}
	made := &checkpoint{
		name: wanted.Name, description: wanted.Description, project: from.project, vaultID: from.id, vaultName: from.name,
		created: r.now(),
	}
	ready, busy := r.readyMembers(made, members)
	switch {
	case len(ready) == 0 && busy:
		return nil, refuse(CodeBeingBackedUp, "The resources are being backed up.")
	case len(ready) == 0:
		return nil, refuse(CodeNothingToBackUp, "There is nothing to back up.")
	}
	made.id, _ = r.cloud.claim("") // a fresh one is never taken
	r.checkpoints.put(made.id, made)
	r.deeds.vault(from).Checkpoints++
	full := wanted.Incremental != nil && !*wanted.Incremental
	for _, m := range ready {
		r.backUpResource(v, made, from, m, full, said)
	}
	return made, nil
}

// toBackUp are the members that a request names, or all of them.
func (v *vault) toBackUp(said checkpointRequest) ([]*membership, error) {
	ids := said.Checkpoint.Parameters.Resources
	for _, detail := range said.Checkpoint.Parameters.Details {
		if m := v.member(detail.ID); m != nil && m.resource.kind != detail.Type {
			return nil, refuse(CodeInvalidParameter, "The resource %s is no %s.", detail.ID, detail.Type)
		}
		if !slices.Contains(ids, detail.ID) {
			ids = append(ids, detail.ID)
		}
	}
	if len(ids) == 0 {
		return slices.DeleteFunc(slices.Clone(v.members), func(m *membership) bool { return m.pending }), nil
	}
	var found []*membership
	for _, id := range ids {
		m := v.member(id)
		if m == nil || m.pending {
			return nil, refuse(CodeNotInVault, "The resource %s is not in the vault.", id)
		}
		found = append(found, m)
	}
	return found, nil
}

// readyMembers leaves out what cannot be backed up now, and notes why.
func (r *region) readyMembers(of *checkpoint, members []*membership) (ready []*membership, busy bool) {
	for _, m := range members {
		var code, reason string
		switch {
		case m.protecting > 0:
			code, reason, busy = CodeBeingBackedUp, "The resource is being backed up.", true
		case m.removing:
			code, reason = CodeBeingRemoved, "The resource is being removed from the vault."
		case m.resource.restoring:
			code, reason, busy = CodeBeingRestored, "The resource is being restored.", true
		case r.resources.byID[m.resource.id] != m.resource:
			code, reason = CodeServerNotFound, "The resource does not exist any more."
		case m.resource.status == "error":
			code, reason = CodeServerForbidsBackup, "The status of the resource forbids it."
		default:
			ready = append(ready, m)
			continue
		}
		of.skipped = append(of.skipped, skippedBody{
			ID: m.resource.id, Type: m.resource.kind, Name: m.resource.name, Code: code, Reason: reason,
		})
	}
	return ready, busy
}
