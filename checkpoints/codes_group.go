package checkpoints

import "github.com/drkit-go/drkit"

// group returns the sentinel that a code stands for, or nil for a code that drkit does not know. The status plays no
// part: nearly all refusals come with 400. A gateway without the path does not know what the service has.
func (c ErrorCode) group() error {
	switch c {
	case CodeDestinationVaultNotFound, CodeMigrationNotFound, CodePolicyNotFound, CodePolicyNotApplied,
		CodeVaultNotFound, CodeBackupNotFound, CodeCheckpointNotFound, CodeResourceNotFound,
		CodeOperationLogNotFound, CodeTaskNotFound, CodeTagKeyNotFound, CodeMemberNotFound, CodeDiskNotFound,
		CodeServerNotFound, CodeSnapshotNotFound, CodeIAMNotFound:
		return drkit.ErrNotFound
	case CodeBackupsRunning, CodeVaultReplicating, CodeResourceBackingUp, CodeResourceRestoring,
		CodeVaultExpansionFailed, CodeVaultCannotAssociate, CodeVaultCannotUpdate, CodeVaultCannotDelete,
		CodeBackupsNotDeleted, CodeVaultDeletionFailed, CodeVaultExpansionPending, CodeVaultBackingUp,
		CodeResourcesRemoving, CodeSyncRunning, CodeBackupCannotDelete, CodeBackupRunning, CodeBackupNoMetadata,
		CodeImageStatus, CodeBackupInUse, CodeDiskLazyLoading, CodeDatabaseBackingUp, CodeSnapshotStatus:
		return ErrBusy
	case CodeNothingToBackUp, CodeRegionFixed, CodeDestinationCheckFailed, CodeRestoreBackupStatus, CodeServerGone,
		CodeRestoreServerStatus, CodeRestoreDiskStatus, CodeVaultNotAvailable, CodeResourceInVault, CodeVaultExists,
		CodeVaultNoBill, CodeVaultInvalidStatus, CodeVaultStatusForbidsBackup, CodeNoTrafficRecord,
		CodeResourceNotInVault, CodeDiskInSeveralVaults, CodeSyncNotEmpty, CodeBackupHasImage, CodeImageExists,
		CodeImageMade, CodeResourceStatusForbids, CodeBackupLocked, CodeBucketNotEmpty, CodeShareAvailableOnly,
		CodeSharedAlready, CodeShareHasImage, CodeShareVaultStatus, CodeShareTwice, CodeDiskStatus, CodeDiskInVault,
		CodeServerStatus, CodeServerStopped, CodeServerNoDisks, CodeServerInVault, CodeDiskNotAttached:
		return drkit.ErrConflict
	case CodeSnapshotQuota, CodeDestinationVaultFull, CodePolicyQuota, CodeVaultResourceQuota, CodeVaultFull,
		CodeVaultQuota, CodeAllVaultsFull, CodeSyncQuota, CodeTagQuota, CodeShareQuota, CodeServerSharedDiskQuota:
		return ErrQuota
	case CodeInvalidParameter, CodeRegionCannotReplicate, CodeProjectCannotReplicate, CodeDestinationTakesNoReplicas,
		CodeResourceCannotReplicate, CodeVaultCannotReplicate, CodeTargetTooSmall, CodeOtherServer,
		CodeRestoreDiskType, CodeRestoreSomeDisks, CodeDataOntoSystemDisk, CodeBareMetalOntoServer,
		CodeOtherArchitecture, CodePolicyUnknownType, CodePolicyDoesNotFit, CodePolicyHybridVault,
		CodeInvalidCapacity, CodeResourceNotForVault, CodeDuplicateResources, CodeUnsupportedResourceType,
		CodeVaultTypeForbidsBackup, CodeNoDatabaseBackup, CodeLanguageLookup, CodeEncryptedSystemDisk,
		CodeSCSISystemDisk, CodeSyncUnsupported, CodeImageType, CodeImageNoSystemDisk, CodeImageMismatch,
		CodeProviderMismatch, CodeInvalidProvider, CodeShareServersOnly, CodeShareInvalidProject,
		CodeMemberInvalidUpdate, CodeShareNotAllowed, CodeShareEncrypted, CodeShareVaultType, CodeDiskDESS,
		CodeDiskSCSI, CodeDiskNotAllowed, CodeDiskTooOld, CodeDiskAtRecoverySite, CodeServerNotAllowed,
		CodeServerSCSI, CodeServerMixedBackends, CodeServerSharedDisks, CodeServerBareMetal,
		CodeServerProviderMismatch, CodeServerDESS, CodeServerLocalDisks, CodeRestoreOtherSystem,
		CodeRestoreServerType, CodeRestoreRecoverySite, CodeSnapshotMismatch:
		return ErrInvalid
	case CodeAccountNotVerified, CodeIAMNotPermitted, CodeIAMForbidden, CodeIAMUserDisabled, CodeIAMAccountDisabled:
		return drkit.ErrForbidden
	case CodeAuthenticationFailed, CodeGatewayToken, CodeGatewaySignature, CodeIAMNoCredentials, CodeIAMLocked,
		CodeIAMWrongPassword, CodeIAMExpired, CodeIAMInvalidToken:
		return drkit.ErrUnauthorized
	case CodeGatewayThrottled, CodeIAMThrottled:
		return drkit.ErrThrottled
	case CodeUnknown, CodeReplicaImportFailed, CodeMigrationCleanup, CodeMigrationVaultCheck,
		CodeMigrationIntermediate, CodeMigrationOtherRegions, CodeVaultCreationFailed, CodeAccountLookup,
		CodeImageCreationFailed, CodeImageRemoval, CodeBucketCreation, CodeBucketQuota, CodeBucketUsage,
		CodeBucketDeletion, CodeBucketObjectDeletion, CodeBucketObjectList, CodeBucketACL, CodeBucketPolicy,
		CodeProductLookup, CodeMemberUpdateFailed, CodeMemberDeletionFailed, CodeIAMFailure, CodeGatewayNoRoute:
		return drkit.ErrUnavailable
	default:
		return nil
	}
}
