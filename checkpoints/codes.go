//nolint:errname // codes are called what they are, and are found as errors
package checkpoints

// Error codes of the service. There are more: the list is open. The text after a code is its meaning; what is said
// to come with status 500 is the caller's doing, or passes, and is no failure of the service.
const (
	// General.

	CodeNothingToBackUp      ErrorCode = "BackupService.0001" // there is nothing to back up
	CodeBackupsRunning       ErrorCode = "BackupService.0002" // resources are being backed up; comes with status 500
	CodeSnapshotQuota        ErrorCode = "BackupService.8300" // the quota of snapshots is used up
	CodeAccountNotVerified   ErrorCode = "BackupService.8600" // the account is not verified
	CodeInvalidParameter     ErrorCode = "BackupService.9900" // a parameter is wrong
	CodeUnknown              ErrorCode = "BackupService.9910" // the service does not know what went wrong
	CodeAuthenticationFailed ErrorCode = "BackupService.9998" // the service could not authenticate the caller; comes with status 500

	// Replication.

	CodeRegionCannotReplicate      ErrorCode = "BackupService.1005" // the destination region cannot replicate; comes with status 500
	CodeReplicaImportFailed        ErrorCode = "BackupService.1006" // the copy could not be taken in at the destination
	CodeProjectCannotReplicate     ErrorCode = "BackupService.1011" // the destination project cannot replicate
	CodeRegionFixed                ErrorCode = "BackupService.6003" // the destination region cannot change while the policy is applied to a vault
	CodeDestinationCheckFailed     ErrorCode = "BackupService.6118" // the destination did not pass a check
	CodeDestinationTakesNoReplicas ErrorCode = "BackupService.6119" // the destination vault cannot take copies
	CodeDestinationVaultNotFound   ErrorCode = "BackupService.6120" // there is no such destination vault; comes with status 400
	CodeResourceCannotReplicate    ErrorCode = "BackupService.6122" // resources of this type cannot be replicated
	CodeVaultCannotReplicate       ErrorCode = "BackupService.6128" // vaults of this type cannot be replicated
	CodeDestinationVaultFull       ErrorCode = "BackupService.6129" // the destination vault is full
	CodeVaultReplicating           ErrorCode = "BackupService.6130" // the vault is being replicated

	// Restoration.

	CodeTargetTooSmall      ErrorCode = "BackupService.2001" // the target disk is smaller than the backup
	CodeResourceBackingUp   ErrorCode = "BackupService.2002" // the resource is being backed up
	CodeOtherServer         ErrorCode = "BackupService.2003" // this backup cannot go to another server
	CodeRestoreBackupStatus ErrorCode = "BackupService.2005" // the status of the backup forbids it
	CodeServerGone          ErrorCode = "BackupService.2007" // the server is no longer there
	CodeRestoreServerStatus ErrorCode = "BackupService.2008" // the status of the server forbids it
	CodeRestoreDiskType     ErrorCode = "BackupService.2009" // disks of this type cannot be restored
	CodeResourceRestoring   ErrorCode = "BackupService.2010" // the resource is being restored
	CodeRestoreDiskStatus   ErrorCode = "BackupService.2011" // the status of the disk forbids it
	CodeRestoreSomeDisks    ErrorCode = "BackupService.2012" // some of the disks cannot be restored
	CodeDataOntoSystemDisk  ErrorCode = "BackupService.2013" // a data disk cannot go onto a system disk
	CodeBareMetalOntoServer ErrorCode = "BackupService.2014" // the backup of a bare metal server cannot go onto a server
	CodeOtherArchitecture   ErrorCode = "BackupService.2015" // the architectures differ
	CodeVaultNotAvailable   ErrorCode = "BackupService.6202" // the vault is not available

	// Migration from the services before this one.

	CodeMigrationNotFound     ErrorCode = "BackupService.4001" // there is no record of a migration
	CodeMigrationCleanup      ErrorCode = "BackupService.4004" // the data could not be cleaned up
	CodeMigrationVaultCheck   ErrorCode = "BackupService.4005" // the destination vault could not be checked
	CodeMigrationIntermediate ErrorCode = "BackupService.4006" // a backup in an intermediate status could not be migrated
	CodeMigrationOtherRegions ErrorCode = "BackupService.4007" // the progress in other regions could not be checked

	// Policies.

	CodePolicyNotFound    ErrorCode = "BackupService.6000" // there is no such policy
	CodePolicyQuota       ErrorCode = "BackupService.6001" // there are as many policies of this type as there may be
	CodePolicyNotApplied  ErrorCode = "BackupService.6002" // the policy is not applied to the vault
	CodePolicyUnknownType ErrorCode = "BackupService.6117" // there is no such type of policy
	CodePolicyDoesNotFit  ErrorCode = "BackupService.6127" // the policy does not fit the vault
	CodePolicyHybridVault ErrorCode = "BackupService.6136" // the policy cannot be applied to a hybrid vault

	// Vaults.

	CodeVaultResourceQuota       ErrorCode = "BackupService.6100" // the vault has as many resources as it may have
	CodeInvalidCapacity          ErrorCode = "BackupService.6101" // the size is wrong
	CodeResourceNotForVault      ErrorCode = "BackupService.6102" // resources of this type are not for this vault
	CodeResourceInVault          ErrorCode = "BackupService.6103" // the resource belongs to a vault already
	CodeDuplicateResources       ErrorCode = "BackupService.6104" // a resource is named twice
	CodeVaultNotFound            ErrorCode = "BackupService.6105" // there is no such vault
	CodeVaultExists              ErrorCode = "BackupService.6106" // there is such a vault already
	CodeVaultExpansionFailed     ErrorCode = "BackupService.6107" // the vault could not be expanded
	CodeVaultCannotAssociate     ErrorCode = "BackupService.6108" // the vault cannot take resources now
	CodeVaultNoBill              ErrorCode = "BackupService.6109" // the vault has no bill
	CodeVaultCannotUpdate        ErrorCode = "BackupService.6110" // the vault cannot be changed now
	CodeVaultCannotDelete        ErrorCode = "BackupService.6111" // the vault cannot be deleted now
	CodeVaultInvalidStatus       ErrorCode = "BackupService.6112" // the status of the vault is wrong
	CodeVaultStatusForbidsBackup ErrorCode = "BackupService.6113" // the status of the vault forbids backups
	CodeVaultFull                ErrorCode = "BackupService.6114" // the vault is full
	CodeBackupsNotDeleted        ErrorCode = "BackupService.6115" // backups of the resources could not be deleted
	CodeUnsupportedResourceType  ErrorCode = "BackupService.6116" // resources of this type are not supported
	CodeVaultDeletionFailed      ErrorCode = "BackupService.6121" // the vault could not be deleted
	CodeVaultExpansionPending    ErrorCode = "BackupService.6123" // an order to expand the vault is pending
	CodeVaultTypeForbidsBackup   ErrorCode = "BackupService.6124" // vaults of this type take no backups
	CodeVaultBackingUp           ErrorCode = "BackupService.6125" // the vault is being backed up
	CodeNoDatabaseBackup         ErrorCode = "BackupService.6126" // databases cannot be backed up there
	CodeNoTrafficRecord          ErrorCode = "BackupService.6131" // there is no record of the traffic
	CodeVaultCreationFailed      ErrorCode = "BackupService.6132" // the vault could not be created
	CodeVaultQuota               ErrorCode = "BackupService.6133" // there are as many vaults as there may be
	CodeResourcesRemoving        ErrorCode = "BackupService.6134" // resources are being removed
	CodeResourceNotInVault       ErrorCode = "BackupService.6135" // the resource is not in the vault
	CodeDiskInSeveralVaults      ErrorCode = "BackupService.6137" // a disk would be in several vaults; comes with status 500
	CodeLanguageLookup           ErrorCode = "BackupService.6138" // the language of the account is neither Chinese nor English; comes with status 500
	CodeAccountLookup            ErrorCode = "BackupService.6139" // the account could not be looked up
	CodeEncryptedSystemDisk      ErrorCode = "BackupService.6140" // an encrypted disk was named as a system disk
	CodeSCSISystemDisk           ErrorCode = "BackupService.6141" // a SCSI disk was named as a system disk
	CodeAllVaultsFull            ErrorCode = "BackupService.6142" // all vaults are full
	CodeSyncUnsupported          ErrorCode = "BackupService.7300" // the vault cannot be synchronized
	CodeSyncNotEmpty             ErrorCode = "BackupService.7301" // the vault is not empty
	CodeSyncRunning              ErrorCode = "BackupService.7302" // the vault is being synchronized
	CodeSyncQuota                ErrorCode = "BackupService.7303" // too many vaults are being synchronized

	// Backups.

	CodeBackupNotFound        ErrorCode = "BackupService.6200" // there is no such backup
	CodeBackupCannotDelete    ErrorCode = "BackupService.6201" // the backup cannot be deleted now
	CodeBackupRunning         ErrorCode = "BackupService.6203" // a backup is being made
	CodeBackupHasImage        ErrorCode = "BackupService.6204" // an image was made of the backup, so it cannot be deleted
	CodeBackupNoMetadata      ErrorCode = "BackupService.6206" // the backup has no metadata in this status
	CodeImageType             ErrorCode = "BackupService.6207" // no image can be made of such a backup; comes with status 500
	CodeImageStatus           ErrorCode = "BackupService.6208" // the status of the backup forbids an image; comes with status 500
	CodeImageNoSystemDisk     ErrorCode = "BackupService.6209" // no image can be made without a system disk; comes with status 500
	CodeImageExists           ErrorCode = "BackupService.6210" // an image was made of the backup; comes with status 500
	CodeImageMade             ErrorCode = "BackupService.6211" // an image was made of the backup, by another check; comes with status 500
	CodeImageCreationFailed   ErrorCode = "BackupService.6212" // the image could not be made
	CodeImageMismatch         ErrorCode = "BackupService.6213" // the backup and the image do not belong together; comes with status 500
	CodeImageRemoval          ErrorCode = "BackupService.6214" // the image could not be removed
	CodeResourceStatusForbids ErrorCode = "BackupService.6215" // the status of the resource forbids it
	CodeBackupInUse           ErrorCode = "BackupService.6216" // the backup is in use
	CodeCheckpointNotFound    ErrorCode = "BackupService.6217" // there is no such checkpoint
	CodeBackupLocked          ErrorCode = "BackupService.6220" // the vault is locked, and the backup is automatic

	// Providers, tasks, keys.

	CodeProviderMismatch     ErrorCode = "BackupService.6300" // type and provider differ
	CodeInvalidProvider      ErrorCode = "BackupService.6301" // there is no such provider
	CodeResourceNotFound     ErrorCode = "BackupService.6302" // there is no such resource
	CodeOperationLogNotFound ErrorCode = "BackupService.6500" // there is no such operation log
	CodeTaskNotFound         ErrorCode = "BackupService.6501" // there is no such task
	CodeTagQuota             ErrorCode = "BackupService.6600" // there are too many tags
	CodeTagKeyNotFound       ErrorCode = "BackupService.6601" // there is no tag of this key

	// Storage.

	CodeBucketCreation       ErrorCode = "BackupService.6400" // the bucket of the vault could not be created
	CodeBucketQuota          ErrorCode = "BackupService.6401" // the quota of the bucket could not be set
	CodeBucketNotEmpty       ErrorCode = "BackupService.6402" // the bucket of the vault is not empty; comes with status 404
	CodeBucketUsage          ErrorCode = "BackupService.6403" // the usage of the bucket could not be read
	CodeBucketDeletion       ErrorCode = "BackupService.6404" // the bucket could not be deleted
	CodeBucketObjectDeletion ErrorCode = "BackupService.6405" // an object of the bucket could not be deleted
	CodeBucketObjectList     ErrorCode = "BackupService.6406" // the objects of the bucket could not be listed
	CodeBucketACL            ErrorCode = "BackupService.6407" // the access list of the bucket could not be set
	CodeBucketPolicy         ErrorCode = "BackupService.6408" // the policy of the bucket could not be set
	CodeProductLookup        ErrorCode = "BackupService.8400" // the product could not be looked up

	// Sharing.

	CodeShareServersOnly     ErrorCode = "BackupService.6700" // only backups of servers can be shared
	CodeShareQuota           ErrorCode = "BackupService.6701" // as many backups are shared as may be
	CodeShareAvailableOnly   ErrorCode = "BackupService.6702" // only an available backup can be shared
	CodeSharedAlready        ErrorCode = "BackupService.6703" // the backup is shared with the project already
	CodeShareInvalidProject  ErrorCode = "BackupService.6704" // there is no such project to share with
	CodeMemberNotFound       ErrorCode = "BackupService.6705" // there is no such member
	CodeMemberInvalidUpdate  ErrorCode = "BackupService.6706" // the member cannot be changed in this way
	CodeShareNotAllowed      ErrorCode = "BackupService.6707" // the backup cannot be shared
	CodeMemberUpdateFailed   ErrorCode = "BackupService.6708" // the member could not be changed
	CodeShareEncrypted       ErrorCode = "BackupService.6709" // backups of encrypted disks cannot be shared
	CodeShareHasImage        ErrorCode = "BackupService.6710" // an image uses the share
	CodeMemberDeletionFailed ErrorCode = "BackupService.6711" // the member could not be deleted
	CodeShareVaultStatus     ErrorCode = "BackupService.6712" // the status of the vault forbids it
	CodeShareVaultType       ErrorCode = "BackupService.6713" // the type of the vault differs
	CodeShareTwice           ErrorCode = "BackupService.6714" // the backup cannot be shared twice with the same member

	// Disks.

	CodeDiskNotFound       ErrorCode = "BackupService.7000" // there is no such disk
	CodeDiskDESS           ErrorCode = "BackupService.7001" // disks of a dedicated enterprise storage cannot be backed up
	CodeDiskSCSI           ErrorCode = "BackupService.7002" // SCSI disks cannot be backed up
	CodeDiskStatus         ErrorCode = "BackupService.7003" // the status of the disk forbids it
	CodeDiskNotAllowed     ErrorCode = "BackupService.7004" // the disk cannot be backed up
	CodeDiskInVault        ErrorCode = "BackupService.7006" // the disk is in the vault already
	CodeDiskTooOld         ErrorCode = "BackupService.7007" // the disk is too old
	CodeDiskAtRecoverySite ErrorCode = "BackupService.7008" // the disk is at the recovery site
	CodeDiskLazyLoading    ErrorCode = "BackupService.7009" // the disk is still loading what was restored; comes with status 500

	// Servers.

	CodeServerNotFound         ErrorCode = "BackupService.7100" // there is no such server
	CodeServerStatus           ErrorCode = "BackupService.7101" // the status of the server forbids it
	CodeServerStopped          ErrorCode = "BackupService.7102" // the server is stopped
	CodeServerNotAllowed       ErrorCode = "BackupService.7103" // the server cannot be backed up
	CodeServerSCSI             ErrorCode = "BackupService.7104" // the server has SCSI disks
	CodeServerMixedBackends    ErrorCode = "BackupService.7105" // the disks of the server are on different storages
	CodeServerSharedDisks      ErrorCode = "BackupService.7106" // the server has shared disks
	CodeServerSharedDiskQuota  ErrorCode = "BackupService.7107" // the server has too many shared disks
	CodeServerNoDisks          ErrorCode = "BackupService.7108" // the server has no disks
	CodeServerBareMetal        ErrorCode = "BackupService.7109" // bare metal servers cannot be backed up there
	CodeServerProviderMismatch ErrorCode = "BackupService.7110" // type and provider of the server differ
	CodeServerDESS             ErrorCode = "BackupService.7111" // the server has disks of a dedicated enterprise storage
	CodeServerLocalDisks       ErrorCode = "BackupService.7113" // the bare metal server has local disks
	CodeRestoreOtherSystem     ErrorCode = "BackupService.7114" // the server runs another operating system than when it was backed up
	CodeRestoreServerType      ErrorCode = "BackupService.7115" // the type of the server is another one than that of the backup
	CodeServerInVault          ErrorCode = "BackupService.7116" // the server is in a vault already
	CodeRestoreRecoverySite    ErrorCode = "BackupService.7117" // servers at the recovery site cannot be restored

	// Databases and snapshots.

	CodeDatabaseBackingUp ErrorCode = "BackupService.7200" // the database is being backed up
	CodeDiskNotAttached   ErrorCode = "BackupService.7201" // the disk is not attached
	CodeSnapshotNotFound  ErrorCode = "BackupService.7202" // there is no such snapshot
	CodeSnapshotStatus    ErrorCode = "BackupService.7203" // the snapshot is in a wrong state
	CodeSnapshotMismatch  ErrorCode = "BackupService.7204" // the snapshot is not of the disk
)

// Codes of the gateway before the service, and of the identity service.
const (
	CodeGatewayNoRoute   ErrorCode = "APIGW.0101" // there is no such path
	CodeGatewayToken     ErrorCode = "APIGW.0301" // the token or the key is wrong
	CodeGatewaySignature ErrorCode = "APIGW.0303" // the signature or the clock is wrong
	CodeGatewayThrottled ErrorCode = "APIGW.0308" // too many requests

	CodeIAMNoCredentials   ErrorCode = "IAM.0001" // there are no credentials
	CodeIAMNotPermitted    ErrorCode = "IAM.0002" // the caller may not do it
	CodeIAMForbidden       ErrorCode = "IAM.0003" // the caller may not do it
	CodeIAMNotFound        ErrorCode = "IAM.0004" // there is no such thing
	CodeIAMFailure         ErrorCode = "IAM.0006" // the identity service has failed
	CodeIAMThrottled       ErrorCode = "IAM.0012" // too many sign-ins
	CodeIAMLocked          ErrorCode = "IAM.0061" // the user is locked
	CodeIAMWrongPassword   ErrorCode = "IAM.0062" // the password is wrong
	CodeIAMExpired         ErrorCode = "IAM.0066" // the token has expired
	CodeIAMInvalidToken    ErrorCode = "IAM.0067" // the token is wrong
	CodeIAMUserDisabled    ErrorCode = "IAM.0080" // the user is disabled
	CodeIAMAccountDisabled ErrorCode = "IAM.0082" // the account is disabled
)
