package checkpointstest

import (
	"net/url"
	"slices"
	"strconv"
	"time"
)

type backupBody struct {
	ID                  string           `json:"id"`
	Name                string           `json:"name"`
	Description         string           `json:"description"`
	CheckpointID        string           `json:"checkpoint_id"`
	VaultID             string           `json:"vault_id"`
	ParentID            string           `json:"parent_id"`
	ProjectID           string           `json:"project_id"`
	ProviderID          string           `json:"provider_id"`
	Status              string           `json:"status"`
	ImageType           string           `json:"image_type"`
	ResourceID          string           `json:"resource_id"`
	ResourceName        string           `json:"resource_name"`
	ResourceType        string           `json:"resource_type"`
	ResourceAZ          string           `json:"resource_az"`
	ResourceSize        int              `json:"resource_size"` // GB
	CreatedAt           stamp            `json:"created_at"`
	UpdatedAt           stamp            `json:"updated_at"`
	ExpiredAt           *stamp           `json:"expired_at,omitempty"`
	ProtectedAt         stamp            `json:"protected_at"`
	ExtendInfo          backupExtendBody `json:"extend_info"`
	Children            []backupBody     `json:"children"`
	EnterpriseProjectID any              `json:"enterprise_project_id"`

	// Of Huawei Cloud.
	ReplicationRecords *[]recordBody `json:"replication_records,omitempty"`
	Incremental        *bool         `json:"incremental,omitempty"`
	Version            *int          `json:"version,omitempty"`
}

type backupExtendBody struct {
	AutoTrigger       bool        `json:"auto_trigger"`
	Bootable          bool        `json:"bootable"`
	Incremental       *bool       `json:"incremental,omitempty"`
	SnapshotID        string      `json:"snapshot_id"`
	SupportLLD        bool        `json:"support_lld"`
	RestoreMode       string      `json:"supported_restore_mode"`
	OSImagesData      []imageBody `json:"os_images_data"`
	ContainSystemDisk bool        `json:"contain_system_disk"`
	Encrypted         bool        `json:"encrypted"`
	SystemDisk        bool        `json:"system_disk"`
	IsMultiAZ         *bool       `json:"is_multi_az,omitempty"`
}

type imageBody struct {
	ImageID string `json:"image_id"`
}

func (r *region) backupBody(b *backup, withRecords bool) backupBody {
	q := &r.config.quirks
	body := backupBody{
		ID: b.id, Name: b.name, Description: b.description, VaultID: b.vault.id, ProjectID: b.project.id,
		ProviderID: providers[objectType(b.resourceType)], Status: b.status, ImageType: b.imageType, ResourceID: b.resourceID,
		ResourceName: b.resourceName, ResourceType: b.resourceType, ResourceAZ: b.az, ResourceSize: b.sizeGB,
		CreatedAt: q.stamp(b.created, TimesNoZone), UpdatedAt: q.stamp(b.updated, TimesNoZone),
		ProtectedAt: q.stamp(b.protectedAt, TimesNoZone), Children: []backupBody{},
		EnterpriseProjectID: q.enterpriseProjectID(b.vault.enterpriseProject),
		ExtendInfo: backupExtendBody{
			AutoTrigger: b.auto, Bootable: b.systemDisk || b.withSystem, SnapshotID: b.snapshot, SupportLLD: true,
			RestoreMode: "backup", OSImagesData: []imageBody{}, ContainSystemDisk: b.withSystem, SystemDisk: b.systemDisk,
			IsMultiAZ: onlyHere(r, false),
		},
		Version: onlyHere(r, 0),
	}
	if r.hwc() {
		body.Incremental = &b.incremental
	} else {
		body.ExtendInfo.Incremental = &b.incremental
	}
	if b.checkpoint != nil {
		body.CheckpointID = b.checkpoint.id
	}
	if b.parent != nil {
		body.ParentID = b.parent.id
	}
	if !b.expired.IsZero() {
		at := q.stamp(b.expired, TimesNoZone)
		body.ExpiredAt = &at
	}
	if withRecords && r.hwc() {
		records := r.recordBodies(b)
		body.ReplicationRecords = &records
	}
	for _, child := range b.children {
		body.Children = append(body.Children, r.backupBody(child, false))
	}
	return body
}

// findBackup returns the backup of a call, which is the project's own.
func (v *visit) findBackup() (*backup, error) {
	b, err := v.seeBackup()
	if err == nil && b.project != v.project {
		return nil, refuse(CodeBackupNotFound, "The backup %s does not exist.", b.id)
	}
	return b, err
}

// seeBackup returns the backup of a call, which may be one that is shared with the project.
func (v *visit) seeBackup() (*backup, error) {
	id := v.argument(0)
	b := v.region.backups.byID[id]
	if b != nil && (b.project == v.project || b.sharedWith(v.project) != nil) {
		return b, nil
	}
	return nil, v.missing(id, CodeBackupNotFound, "The backup %s does not exist.")
}

func (r *region) getBackup(v *visit) (any, error) {
	b, err := v.seeBackup()
	if err != nil {
		return nil, err
	}
	return map[string]any{"backup": r.backupBody(b, true)}, nil
}

// ownership is which backups a list shows: the project's own, those shared with it, or both.
func ownership(query url.Values, in *project) (func(*backup) bool, error) {
	own := func(b *backup) bool { return b.project == in }
	shared := func(b *backup) bool {
		m := b.sharedWith(in)
		wanted := query.Get("member_status")
		return m != nil && (wanted == "" || m.status == wanted)
	}
	switch kind := query.Get("own_type"); kind {
	case "", "private":
		return own, nil
	case "shared":
		return shared, nil
	case "all_granted":
		return func(b *backup) bool { return own(b) || shared(b) }, nil
	default:
		return nil, refuse(CodeInvalidParameter, "The own_type %q is invalid.", kind)
	}
}

// backupFilters are the parameters of the backup list, besides those of paging. Backups of single disks of a
// server show only to who asks for those of a parent.
func (r *region) backupFilters(query url.Values) ([]func(*backup) bool, error) {
	within, err := periodOf(query)
	if err != nil {
		return nil, err
	}
	percent, err := number(query.Get("used_percent"), 0, 1, 100)
	if err != nil {
		return nil, refuse(CodeInvalidParameter, "The used_percent is invalid: %s", err)
	}
	text := func(name string, of func(*backup) string) func(*backup) bool {
		wanted := query.Get(name)
		return func(b *backup) bool { return wanted == "" || of(b) == wanted }
	}
	states := query["status"]
	return []func(*backup) bool{
		func(b *backup) bool { return within.covers(b.created) },
		func(b *backup) bool { return len(states) == 0 || slices.Contains(states, b.status) },
		func(b *backup) bool {
			if parent := query.Get("parent_id"); parent != "" {
				return b.parent != nil && b.parent.id == parent
			}
			return b.parent == nil
		},
		func(b *backup) bool { return percent == 0 || r.usedMB(b.vault)*100 >= percent*b.vault.sizeGB*1024 },
		text("checkpoint_id", func(b *backup) string {
			if b.checkpoint == nil {
				return ""
			}
			return b.checkpoint.id
		}),
		text("image_type", func(b *backup) string { return b.imageType }),
		text("name", func(b *backup) string { return b.name }),
		text("resource_az", func(b *backup) string { return b.az }),
		text("resource_id", func(b *backup) string { return b.resourceID }),
		text("resource_name", func(b *backup) string { return b.resourceName }),
		text("resource_type", func(b *backup) string { return b.resourceType }),
		text("vault_id", func(b *backup) string { return b.vault.id }),
		text("incremental", func(b *backup) string { return strconv.FormatBool(b.incremental) }),
		func(b *backup) bool {
			wanted := query.Get("enterprise_project_id")
			return wanted == "" || wanted == "all_granted_eps" || b.vault.enterpriseProject == wanted
		},
		func(b *backup) bool { return query.Get("dec") != "true" }, // there is no dedicated cloud here
	}, nil
}

func (r *region) listBackups(v *visit) (any, error) {
	query := v.call.Query
	p, err := r.pageOf(query)
	if err != nil {
		return nil, err
	}
	mine, err := ownership(query, v.project)
	if err != nil {
		return nil, err
	}
	filters, err := r.backupFilters(query)
	if err != nil {
		return nil, err
	}
	found := r.backups.matching(func(b *backup) bool {
		return mine(b) && !slices.ContainsFunc(filters, func(passes func(*backup) bool) bool { return !passes(b) })
	})
	if err := sortBy(found, query.Get("sort"), func(b *backup) sortable {
		return sortable{b.id, b.name, b.status, b.created, b.updated, b.protectedAt}
	}); err != nil {
		return nil, err
	}
	bodies := []backupBody{}
	rest := after(found, query.Get("marker"), func(b *backup) string { return b.id })
	for _, b := range cut(rest, p) {
		bodies = append(bodies, r.backupBody(b, query.Get("show_replication") == "true"))
	}
	return r.pageBody("backups", bodies, len(found), p), nil
}

func (r *region) updateBackup(v *visit) (any, error) {
	b, err := v.findBackup()
	if err != nil {
		return nil, err
	}
	said, err := read[struct {
		Backup struct{ Name string }
	}](v)
	if err != nil {
		return nil, err
	}
	if !resourceName.MatchString(said.Backup.Name) {
		return nil, refuse(CodeInvalidParameter, "The name %q is invalid.", said.Backup.Name)
	}
	b.name, b.updated = said.Backup.Name, r.now()
	return map[string]any{"backup": r.backupBody(b, false)}, nil
}

// deleteBackup lets a backup be gone once its task has ended.
func (r *region) deleteBackup(v *visit) (any, error) {
	b, err := v.findBackup()
	if err != nil {
		return nil, err
	}
	switch {
	case b.parent != nil:
		return nil, refuse(CodeCannotDeleteBackup, "The backup of a disk goes with that of its server.")
	case b.replicating > 0:
		return nil, refuse(CodeBackupInUse, "The backup is being replicated.")
	case b.status != backupAvailable && b.status != backupError:
		return nil, refuse(CodeCannotDeleteBackup, "The backup is %s.", b.status)
	case b.vault.locked && b.auto && (b.expired.IsZero() || b.expired.After(r.now())):
		return nil, refuse(CodeLockedVault, "The vault is locked.")
	}
	before := b.status
	b.set(backupWaitingDelete, r.now())
	r.begin(v, &task{
		kind: kindDelete, vault: b.vault, checkpoint: b.checkpoint, resource: b.resource(), backup: b,
		begun: func(at time.Time) { b.set(backupDeleting, at) },
		effect: func(time.Time) *refusal {
			r.removeBackup(b)
			return nil
		},
		failed: func() { b.set(before, r.now()) },
	})
	return nil, nil
}

// backupMetadata shows what a server looked like, as strings that hold JSON.
func (r *region) backupMetadata(v *visit) (any, error) {
	b, err := v.findBackup()
	if err != nil {
		return nil, err
	}
	if b.status != backupAvailable {
		return nil, refuse(CodeNoMetadata, "The backup is %s.", b.status)
	}
	volumes := []string{}
	for _, child := range b.children {
		volumes = append(volumes, `{"id":"`+child.resourceID+`","size":`+strconv.Itoa(child.sizeGB)+`}`)
	}
	return map[string]any{
		"backup_id": b.id, "backups": `{"id":"` + b.id + `"}`, "flavor": `{"vcpus":2,"ram":4096}`, "interface": `[]`,
		"server":      `{"id":"` + b.resourceID + `","name":"` + b.resourceName + `"}`,
		"floatingips": []string{}, "ports": []string{}, "volumes": volumes,
	}, nil
}

// syncVault brings the backups of a hybrid vault up to date, of which there are none here: its task alone is simulated.
func (r *region) syncVault(v *visit) (any, error) {
	said, err := read[struct {
		Sync struct {
			VaultID string `json:"vault_id"`
		}
	}](v)
	if err != nil {
		return nil, err
	}
	of, err := v.vaultNamed(said.Sync.VaultID)
	switch {
	case err != nil:
		return nil, err
	case of.protectType != ProtectHybrid:
		return nil, refuse(CodeCannotSync, "The vault is no hybrid vault.")
	case of.synchronizing:
		return nil, refuse(CodeBeingSynchronized, "The vault is being synchronized.")
	}
	of.synchronizing = true
	release := func() { of.synchronizing = false }
	t := &task{kind: kindSync, vault: of, subject: of.id, failed: release, effect: func(time.Time) *refusal {
		release()
		return nil
	}}
	r.begin(v, t)
	return map[string]any{"sync": map[string]any{"operation_log_id": t.id, "vault_id": of.id}}, nil
}

// syncBackups takes backups out of a bucket, of which there are none here.
func (r *region) syncBackups(*visit) (any, error) {
	return nil, refuse(CodeCannotSync, "There is no hybrid vault.")
}
