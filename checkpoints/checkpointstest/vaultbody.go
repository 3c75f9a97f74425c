package checkpointstest

// The structs of this package whose names end in Body are what answers and requests say, member by member.

type tagBody struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type bindRulesBody struct {
	Tags []tagBody `json:"tags,omitempty"`
}

type volumeBody struct {
	ID        string `json:"id"`
	OSVersion string `json:"os_version,omitempty"`
}

type resourceInfoBody struct {
	ExcludeVolumes []string     `json:"exclude_volumes,omitempty"`
	IncludeVolumes []volumeBody `json:"include_volumes,omitempty"`
}

// resourceBody names a resource in a request.
type resourceBody struct {
	ID        string            `json:"id"`
	Type      string            `json:"type"`
	Name      string            `json:"name,omitempty"`
	ExtraInfo *resourceInfoBody `json:"extra_info,omitempty"`
}

type vaultBody struct {
	ID                   string              `json:"id"`
	Name                 string              `json:"name"`
	Description          string              `json:"description"`
	ProjectID            string              `json:"project_id"`
	ProviderID           string              `json:"provider_id"`
	Billing              billingBody         `json:"billing"`
	Resources            []vaultResourceBody `json:"resources"`
	Tags                 []tagBody           `json:"tags"`
	AutoBind             bool                `json:"auto_bind"`
	BindRules            bindRulesBody       `json:"bind_rules"`
	UserID               string              `json:"user_id"`
	CreatedAt            stamp               `json:"created_at"`
	AutoExpand           bool                `json:"auto_expand"`
	Locked               bool                `json:"locked"`
	EnterpriseProjectID  any                 `json:"enterprise_project_id"`
	SysLockSourceService string              `json:"sys_lock_source_service"`

	// Of Huawei Cloud.
	SMNNotify        *bool   `json:"smn_notify,omitempty"`
	Threshold        *int    `json:"threshold,omitempty"`
	AvailabilityZone *string `json:"availability_zone,omitempty"`
	BackupNamePrefix *string `json:"backup_name_prefix,omitempty"`
	DemandBilling    *bool   `json:"demand_billing,omitempty"`
	DeleteCount      *int    `json:"cbc_delete_count,omitempty"`
	Frozen           *bool   `json:"frozen,omitempty"`
}

type billingBody struct {
	Allocated       int    `json:"allocated"` // GB
	Used            int    `json:"used"`      // MB
	Size            int    `json:"size"`      // GB
	Status          string `json:"status"`
	ChargingMode    string `json:"charging_mode"`
	CloudType       string `json:"cloud_type"`
	ConsistentLevel string `json:"consistent_level"`
	ObjectType      string `json:"object_type"`
	ProtectType     string `json:"protect_type"`
	SpecCode        string `json:"spec_code"`
	OrderID         string `json:"order_id"`
	ProductID       string `json:"product_id"`
	StorageUnit     string `json:"storage_unit"`
	FrozenScene     string `json:"frozen_scene"`
	IsMultiAZ       *bool  `json:"is_multi_az,omitempty"`
}

type vaultResourceBody struct {
	ID            string           `json:"id"`
	Name          string           `json:"name"`
	Type          string           `json:"type"`
	Size          int              `json:"size"`        // GB
	BackupSize    int              `json:"backup_size"` // MB
	BackupCount   int              `json:"backup_count"`
	ProtectStatus string           `json:"protect_status"`
	ExtraInfo     resourceInfoBody `json:"extra_info"`
	AutoProtect   *bool            `json:"auto_protect,omitempty"`
}

func (r *region) hwc() bool { return r.config.flavour == HuaweiCloud }

// onlyHere returns a pointer to a value that only Huawei Cloud shows.
func onlyHere[T any](r *region, value T) *T {
	if !r.hwc() {
		return nil
	}
	return &value
}

func (r *region) vaultBody(v *vault) vaultBody {
	q := &r.config.quirks
	body := vaultBody{
		ID: v.id, Name: v.name, Description: v.description, ProjectID: v.project.id, ProviderID: v.provider(),
		Billing: r.billingBody(v), Resources: []vaultResourceBody{}, Tags: append([]tagBody{}, v.tags...),
		AutoBind: v.autoBind, BindRules: bindRulesBody{Tags: v.bindRules}, UserID: v.userID,
		CreatedAt: q.stamp(v.created, TimesNoZone), AutoExpand: v.autoExpand, Locked: v.locked,
		EnterpriseProjectID: q.enterpriseProjectID(v.enterpriseProject),
		SMNNotify:           onlyHere(r, v.smnNotify), Threshold: onlyHere(r, v.threshold), AvailabilityZone: onlyHere(r, v.zone),
	}
	for _, m := range v.members {
		if !m.pending {
			body.Resources = append(body.Resources, r.vaultResourceBody(v, m))
		}
	}
	return body
}

// createdVaultBody shows members that only the answer to a creation has.
func (r *region) createdVaultBody(v *vault) vaultBody {
	body := r.vaultBody(v)
	body.BackupNamePrefix, body.DemandBilling = onlyHere(r, v.prefix), onlyHere(r, v.demandBilling)
	body.DeleteCount, body.Frozen = onlyHere(r, 0), onlyHere(r, false)
	return body
}

func (r *region) billingBody(v *vault) billingBody {
	spec := specs[v.objectType]
	if v.protectType == ProtectReplication {
		spec = "vault.replication.server.normal"
	}
	if v.protectType == ProtectHybrid {
		spec = "vault.hybrid.server.normal"
	}
	return billingBody{
		Allocated: v.allocatedGB(), Used: r.usedMB(v), Size: v.sizeGB, Status: v.status, ChargingMode: v.chargingMode,
		CloudType: v.cloudType, ConsistentLevel: v.consistentLevel, ObjectType: v.objectType, ProtectType: v.protectType,
		SpecCode: spec, OrderID: v.orderID, IsMultiAZ: onlyHere(r, false),
	}
}

func (r *region) vaultResourceBody(v *vault, m *membership) vaultResourceBody {
	body := vaultResourceBody{
		ID: m.resource.id, Name: m.resource.name, Type: m.resource.kind, Size: m.resource.size(), ProtectStatus: m.status(),
		ExtraInfo: resourceInfoBody{ExcludeVolumes: m.excluded}, AutoProtect: onlyHere(r, m.autoProtect),
	}
	for _, b := range r.contents(v) {
		if b.resourceID == m.resource.id {
			body.BackupCount++
			body.BackupSize += b.takesMB
		}
	}
	return body
}
