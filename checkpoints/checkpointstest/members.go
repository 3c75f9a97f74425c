package checkpointstest

import (
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// States of a share.
const (
	memberPending  = "pending"
	memberAccepted = "accepted"
	memberRejected = "rejected"
)

// member is the share of a backup with one project.
type member struct {
	id, status, project string
	vaultID             string
	created, updated    time.Time
}

type memberBody struct {
	ID            string `json:"id"`
	Status        string `json:"status"`
	BackupID      string `json:"backup_id"`
	DestProjectID string `json:"dest_project_id"`
	VaultID       string `json:"vault_id"`
	ImageID       string `json:"image_id"`
	CreatedAt     stamp  `json:"created_at"`
	UpdatedAt     stamp  `json:"updated_at"`
}

// sharedWith returns the share of a backup with a project, or nil.
func (b *backup) sharedWith(in *project) *member { return b.memberOf(in.id) }

func (b *backup) memberOf(projectID string) *member {
	at := slices.IndexFunc(b.members, func(m *member) bool { return m.project == projectID })
	if at < 0 {
		return nil
	}
	return b.members[at]
}

func (r *region) memberBody(b *backup, m *member) memberBody {
	q := &r.config.quirks
	return memberBody{
		ID: m.id, Status: m.status, BackupID: b.id, DestProjectID: m.project, VaultID: m.vaultID,
		CreatedAt: q.stamp(m.created, TimesZulu), UpdatedAt: q.stamp(m.updated, TimesZulu),
	}
}

func (r *region) addMembers(v *visit) (any, error) {
	b, err := v.findBackup()
	if err != nil {
		return nil, err
	}
	said, err := read[struct {
		Members []string `json:"members"`
		Domains []string `json:"domains"`
	}](v)
	if err != nil {
		return nil, err
	}
	if err := r.shareable(b, said.Members); err != nil {
		return nil, err
	}
	bodies := []memberBody{}
	for _, id := range said.Members {
		m := &member{id: simkit.FreshID(), status: memberPending, project: id, created: r.now(), updated: r.now()}
		b.members = append(b.members, m)
		bodies = append(bodies, r.memberBody(b, m))
	}
	return map[string]any{"members": bodies, "count": len(bodies)}, nil
}

// shareable reports why a backup cannot be shared with projects.
func (r *region) shareable(b *backup, with []string) error {
	switch {
	case b.resourceType != TypeServer || b.parent != nil:
		return refuse(CodeOnlyServers, "Only backups of servers can be shared.")
	case b.status != backupAvailable:
		return refuse(CodeOnlyAvailable, "Only backups that are available can be shared.")
	case len(with) == 0 || len(with) > 10:
		return refuse(CodeInvalidParameter, "There are not within 1 and 10 members.")
	}
	seen := map[string]bool{}
	for _, id := range with {
		switch {
		case !plain.MatchString(id) || id == b.project.id || seen[id]:
			return refuse(CodeInvalidMember, "The project %s is invalid.", id)
		case b.memberOf(id) != nil:
			return refuse(CodeSharedAlready, "The backup is shared with %s already.", id)
		}
		seen[id] = true
	}
	return nil
}

func (r *region) listMembers(v *visit) (any, error) {
	b, err := v.seeBackup()
	if err != nil {
		return nil, err
	}
	query := v.call.Query
	p, err := r.pageOf(query)
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(slices.Clone(b.members), func(m *member) bool {
		return (b.project != v.project && m.project != v.project.id) ||
			(query.Get("dest_project_id") != "" && query.Get("dest_project_id") != m.project) ||
			(query.Get("status") != "" && query.Get("status") != m.status) ||
			(query.Get("vault_id") != "" && query.Get("vault_id") != m.vaultID) ||
			query.Get("image_id") != ""
	})
	if err := sortBy(found, query.Get("sort"), func(m *member) sortable {
		return sortable{id: m.id, status: m.status, created: m.created, updated: m.updated}
	}); err != nil {
		return nil, err
	}
	bodies := []memberBody{}
	for _, m := range cut(after(found, query.Get("marker"), func(m *member) string { return m.id }), p) {
		bodies = append(bodies, r.memberBody(b, m))
	}
	return map[string]any{"members": bodies, "count": len(found)}, nil
}

// findMember returns the share of a call, by the project that it is for.
func (v *visit) findMember() (*backup, *member, error) {
	b, err := v.seeBackup()
	if err != nil {
		return nil, nil, err
	}
	id := v.argument(1)
	if m := b.memberOf(id); m != nil && (b.project == v.project || id == v.project.id) {
		return b, m, nil
	}
	return nil, nil, v.missing(id, CodeMemberNotFound, "The member %s does not exist.")
}

func (r *region) getMember(v *visit) (any, error) {
	b, m, err := v.findMember()
	if err != nil {
		return nil, err
	}
	return map[string]any{"member": r.memberBody(b, m)}, nil
}

// updateMember lets the project that a backup is shared with accept it into a vault, or reject it.
func (r *region) updateMember(v *visit) (any, error) {
	b, m, err := v.findMember()
	if err != nil {
		return nil, err
	}
	said, err := read[struct {
		Status  string `json:"status"`
		VaultID string `json:"vault_id"`
	}](v)
	if err != nil {
		return nil, err
	}
	switch {
	case m.project != v.project.id:
		return nil, refuse("BackupService.6707", "Only the project that the backup is shared with may do that.")
	case said.Status != memberAccepted && said.Status != memberRejected && said.Status != memberPending:
		return nil, refuse(CodeInvalidMemberUpdate, "The status %q is invalid.", said.Status)
	case said.Status == memberAccepted && said.VaultID == "":
		return nil, refuse(CodeInvalidMemberUpdate, "The vault_id is missing.")
	}
	if said.Status == memberAccepted {
		into, err := v.vaultNamed(said.VaultID)
		if err != nil {
			return nil, err
		}
		if !into.usable() {
			return nil, refuse(CodeSharingVaultStatus, "The vault is %s.", into.status)
		}
		if into.objectType != objectType(b.resourceType) || into.protectType != ProtectBackup {
			return nil, refuse(CodeSharingVaultType, "The vault is of another type.")
		}
		m.vaultID = into.id
	}
	m.status, m.updated = said.Status, r.now()
	return map[string]any{"member": r.memberBody(b, m)}, nil
}

func (r *region) deleteMember(v *visit) (any, error) {
	b, err := v.findBackup()
	if err != nil {
		return nil, err
	}
	_, m, err := v.findMember()
	if err != nil {
		return nil, err
	}
	b.members = slices.DeleteFunc(b.members, func(one *member) bool { return one == m })
	return nil, nil
}
