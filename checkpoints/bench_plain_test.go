package checkpoints_test

// What bare contestants decode: all members of the contract, as plain as encoding/json takes them.

type plainVaults struct {
	Vaults []plainVault `json:"vaults"`
	Count  int64        `json:"count"`
}

type plainBackups struct {
	Backups []plainBackup `json:"backups"`
	Count   int           `json:"count"`
}

type plainSearch struct {
	Resources []plainTagResource `json:"resources"`
	Total     int64              `json:"total_count"`
}

type plainVault struct {
	Id                   string               `json:"id"`
	Name                 string               `json:"name"`
	Description          string               `json:"description"`
	ProjectId            string               `json:"project_id"`
	ProviderId           string               `json:"provider_id"`
	Billing              plainBilling         `json:"billing"`
	Resources            []plainVaultResource `json:"resources"`
	Tags                 []plainTag           `json:"tags"`
	AutoBind             bool                 `json:"auto_bind"`
	BindRules            plainVaultBindRules  `json:"bind_rules"`
	UserId               string               `json:"user_id"`
	CreatedAt            string               `json:"created_at"`
	AutoExpand           bool                 `json:"auto_expand"`
	Locked               bool                 `json:"locked"`
	EnterpriseProjectId  string               `json:"enterprise_project_id"`
	SysLockSourceService string               `json:"sys_lock_source_service"`
	SmnNotify            bool                 `json:"smn_notify"`
	Threshold            int64                `json:"threshold"`
	AvailabilityZone     string               `json:"availability_zone"`
	BackupNamePrefix     string               `json:"backup_name_prefix"`
	DemandBilling        bool                 `json:"demand_billing"`
	CbcDeleteCount       int64                `json:"cbc_delete_count"`
	Frozen               bool                 `json:"frozen"`
	UpdatedAt            string               `json:"updated_at"`
	Version              string               `json:"version"`
}

type plainBilling struct {
	Allocated       int64  `json:"allocated"`
	Used            int64  `json:"used"`
	Size            int64  `json:"size"`
	Status          string `json:"status"`
	ChargingMode    string `json:"charging_mode"`
	CloudType       string `json:"cloud_type"`
	ConsistentLevel string `json:"consistent_level"`
	ObjectType      string `json:"object_type"`
	ProtectType     string `json:"protect_type"`
	SpecCode        string `json:"spec_code"`
	OrderId         string `json:"order_id"`
	ProductId       string `json:"product_id"`
	StorageUnit     string `json:"storage_unit"`
	FrozenScene     string `json:"frozen_scene"`
	IsMultiAz       bool   `json:"is_multi_az"`
}

type plainVaultResource struct {
	Id            string                 `json:"id"`
	Name          string                 `json:"name"`
	Type          string                 `json:"type"`
	Size          int64                  `json:"size"`
	BackupSize    int64                  `json:"backup_size"`
	BackupCount   int64                  `json:"backup_count"`
	ProtectStatus string                 `json:"protect_status"`
	ExtraInfo     plainResourceExtraInfo `json:"extra_info"`
	AutoProtect   bool                   `json:"auto_protect"`
}

type plainResourceExtraInfo struct {
	ExcludeVolumes []string              `json:"exclude_volumes"`
	IncludeVolumes []plainIncludedVolume `json:"include_volumes"`
}

type plainIncludedVolume struct {
	Id        string `json:"id"`
	OsVersion string `json:"os_version"`
}

type plainTag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type plainVaultBindRules struct {
	Tags []plainTag `json:"tags"`
}

type plainBackup struct {
	Id                  string                   `json:"id"`
	Name                string                   `json:"name"`
	Description         string                   `json:"description"`
	CheckpointId        string                   `json:"checkpoint_id"`
	VaultId             string                   `json:"vault_id"`
	ParentId            string                   `json:"parent_id"`
	ProjectId           string                   `json:"project_id"`
	ProviderId          string                   `json:"provider_id"`
	Status              string                   `json:"status"`
	ImageType           string                   `json:"image_type"`
	ResourceId          string                   `json:"resource_id"`
	ResourceName        string                   `json:"resource_name"`
	ResourceType        string                   `json:"resource_type"`
	ResourceAz          string                   `json:"resource_az"`
	ResourceSize        int64                    `json:"resource_size"`
	CreatedAt           string                   `json:"created_at"`
	UpdatedAt           string                   `json:"updated_at"`
	ExpiredAt           string                   `json:"expired_at"`
	ProtectedAt         string                   `json:"protected_at"`
	ExtendInfo          plainBackupExtendInfo    `json:"extend_info"`
	Children            []plainBackup            `json:"children"`
	EnterpriseProjectId string                   `json:"enterprise_project_id"`
	ReplicationRecords  []plainReplicationRecord `json:"replication_records"`
	Incremental         bool                     `json:"incremental"`
	Version             int64                    `json:"version"`
}

type plainBackupExtendInfo struct {
	AutoTrigger          bool             `json:"auto_trigger"`
	Bootable             bool             `json:"bootable"`
	Incremental          bool             `json:"incremental"`
	SnapshotId           string           `json:"snapshot_id"`
	SupportLld           bool             `json:"support_lld"`
	SupportedRestoreMode string           `json:"supported_restore_mode"`
	OsImagesData         []plainImageData `json:"os_images_data"`
	ContainSystemDisk    bool             `json:"contain_system_disk"`
	Encrypted            bool             `json:"encrypted"`
	SystemDisk           bool             `json:"system_disk"`
	IsMultiAz            bool             `json:"is_multi_az"`
}

type plainImageData struct {
	ImageId string `json:"image_id"`
}

type plainReplicationRecord struct {
	Id                      string                     `json:"id"`
	Status                  string                     `json:"status"`
	CreatedAt               string                     `json:"created_at"`
	SourceBackupId          string                     `json:"source_backup_id"`
	SourceCheckpointId      string                     `json:"source_checkpoint_id"`
	SourceProjectId         string                     `json:"source_project_id"`
	SourceRegion            string                     `json:"source_region"`
	DestinationBackupId     string                     `json:"destination_backup_id"`
	DestinationCheckpointId string                     `json:"destination_checkpoint_id"`
	DestinationProjectId    string                     `json:"destination_project_id"`
	DestinationRegion       string                     `json:"destination_region"`
	DestinationVaultId      string                     `json:"destination_vault_id"`
	VaultId                 string                     `json:"vault_id"`
	ExtraInfo               plainReplicationRecordInfo `json:"extra_info"`
}

type plainReplicationRecordInfo struct {
	Progress           int64  `json:"progress"`
	FailCode           string `json:"fail_code"`
	FailReason         string `json:"fail_reason"`
	AutoTrigger        bool   `json:"auto_trigger"`
	DestinationVaultId string `json:"destination_vault_id"`
}

type plainTagResource struct {
	ResourceId     string       `json:"resource_id"`
	ResourceName   string       `json:"resource_name"`
	Tags           []plainTag   `json:"tags"`
	ResourceDetail []plainVault `json:"resource_detail"`
	SysTags        []plainTag   `json:"sys_tags"`
}
