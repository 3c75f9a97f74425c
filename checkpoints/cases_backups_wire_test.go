package checkpoints_test

import (
	"context"
	"testing"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// The wire cases of checkpoints, backups, members and tasks.

func checkpointCases() []wireCase {
	return []wireCase{
		{
			operation: "Checkpoints.Create", path: "/checkpoints", body: "checkpoints_create.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[checkpoints.Checkpoint](t, "checkpoints_create.answer", "checkpoint")(c.Checkpoints.Create(drkit.WithoutNote(ctx), wholeBackup()))
			},
			answer: "checkpoints_create.answer", member: "checkpoint", refusal: busy,
		},
		{
			operation: "Checkpoints.Get", path: "/checkpoints/" + checkpointID,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Checkpoints.Get(ctx, checkpointID)
			},
			answer: "checkpoints_get.answer", member: "checkpoint", refusal: gone,
		},
		{
			operation: "Checkpoints.Replicate", path: "/checkpoints/replicate", body: "checkpoints_replicate.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[checkpoints.CheckpointReplication](t, "checkpoints_replicate.answer", "replication")(c.Checkpoints.Replicate(drkit.WithoutNote(ctx), given[checkpoints.CheckpointReplicateParam](t, "checkpoints_replicate.request", "replicate")))
			},
			answer: "checkpoints_replicate.answer", member: "replication", refusal: full,
		},
		{
			operation: "Checkpoints.Replicate", kind: "the vendor's page", path: "/checkpoints/replicate",
			body: "checkpoints_replicate.seed.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[checkpoints.CheckpointReplication](t, "checkpoints_replicate.seed.answer", "replication")(c.Checkpoints.Replicate(drkit.WithoutNote(ctx), checkpoints.CheckpointReplicateParam{
					VaultID:            "3b5816b5-f29c-4172-9d9a-76c719a659ce",
					DestinationVaultID: "0ca3eb86-8800-46da-9c37-9d657a825274", DestinationRegion: "region2",
					DestinationProjectID: "68589cac08274b82b4e254268a3862d8", AutoTrigger: drkit.Some(false),
				}))
			},
			answer: "checkpoints_replicate.seed.answer", member: "replication", refusal: forbidden,
		},
		{
			operation: "Checkpoints.Sync", path: "/checkpoints/sync", body: "checkpoints_sync.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[checkpoints.CheckpointSync](t, "checkpoints_sync.answer", "sync")(
					c.Checkpoints.Sync(drkit.WithoutNote(ctx), checkpoints.SyncParam{VaultID: vaultID, AutoTrigger: true}))
			},
			answer: "checkpoints_sync.answer", member: "sync", refusal: invalid,
		},
	}
}

// wholeBackup has every member that a backup of a vault can have.
func wholeBackup() checkpoints.VaultBackup {
	return checkpoints.VaultBackup{
		VaultID: vaultID,
		Parameters: drkit.Some(checkpoints.CheckpointParam{
			AutoTrigger: drkit.Some(true), Description: drkit.Some("before the harvest"), Incremental: drkit.Some(false),
			Name: drkit.Some("orchard-nightly"), Resources: []string{serverID}, PolicyID: drkit.Some(policyID),
			ResourceDetails: []checkpoints.Resource{{
				ID: serverID, Type: checkpoints.ResourceTypeServer, Name: drkit.Some("orchard-web-1"),
				ExtraInfo: drkit.Some(checkpoints.ResourceExtraInfo{
					ExcludeVolumes: []string{"4a29bfab-7003-5fd7-a6bb-9b311cfee6f7"},
					IncludeVolumes: []checkpoints.IncludedVolume{{
						ID: "35c80db2-bfe5-55b1-87e5-52b226140c4a", OSVersion: drkit.Some("Debian 13"),
					}},
				}),
			}},
		}),
	}
}

func backupCases() []wireCase {
	one := "/backups/" + backupID
	return []wireCase{
		{
			operation: "Backups.List", path: "/backups",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Backups.List(ctx, checkpoints.BackupQuery{}))
			},
			answer: "backups_list.answer", member: "backups", refusal: forbidden,
		},
		{
			operation: "Backups.List", kind: "every parameter", path: "/backups",
			query: []string{
				"checkpoint_id=" + checkpointID, "dec=false", "end_time=2026-03-05T03%3A04%3A05Z", "enterprise_project_id=all_granted_eps",
				"image_type=replication", "incremental=true", "limit=7", "member_status=accepted", "name=orchard+%26+press", "offset=3",
				"own_type=shared", "parent_id=p-1", "resource_az=az-1", "resource_id=r-1", "resource_name=web",
				"resource_type=OS%3A%3ANova%3A%3AServer", "show_replication=true", "sort=created_at%3Aasc%2Cid%3Adesc",
				"start_time=2026-03-04T03%3A04%3A05Z", "status=available&status=error", "used_percent=80", "vault_id=" + vaultID,
			},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Backups.List(ctx, everyBackupParameter()))
			},
			answer: "backups_list.answer", member: "backups", refusal: invalid,
		},
		{
			operation: "Backups.List", kind: "by marker", path: "/backups", query: []string{"limit=7", "marker=b-0"},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Backups.List(ctx, checkpoints.BackupQuery{Marker: "b-0", Limit: 7}))
			},
			answer: "backups_list.answer", member: "backups", refusal: invalid,
		},
		{
			operation: "Backups.Get", path: one,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Backups.Get(ctx, backupID)
			},
			answer: "backups_get.answer", member: "backup", refusal: gone,
		},
		{
			operation: "Backups.Update", path: one, body: "backups_update.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Backups.Update(ctx, backupID, checkpoints.BackupUpdate{Name: drkit.Some("orchard-kept")})
			},
			answer: "backups_update.answer", member: "backup", refusal: gone,
		},
		{
			operation: "Backups.Delete", path: one,
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[any](t, "", "")(c.Backups.Delete(ctx, backupID))
			},
			refusal: busy,
		},
		{
			operation: "Backups.Replicate", path: one + "/replicate", body: "backups_replicate.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[checkpoints.BackupReplication](t, "backups_replicate.answer", "replication")(c.Backups.Replicate(drkit.WithoutNote(ctx), backupID, given[checkpoints.BackupReplicateParam](t, "backups_replicate.request", "replicate")))
			},
			answer: "backups_replicate.answer", member: "replication", refusal: invalid,
		},
		{
			operation: "Backups.Restore", path: one + "/restore", body: "backups_restore.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[checkpoints.RestoreJob](t, "backups_restore.answer", "")(c.Backups.Restore(drkit.WithoutNote(ctx), backupID, checkpoints.BackupRestore{
					ServerID: drkit.Some(serverID), PowerOn: drkit.Some(false),
					Mappings: []checkpoints.RestoreMapping{{BackupID: backupID, VolumeID: "35c80db2-bfe5-55b1-87e5-52b226140c4a"}},
				}))
			},
			answer: "backups_restore.answer", refusal: busy,
		},
		{
			operation: "Backups.Restore", kind: "a disk, and no answer", path: one + "/restore", body: "backups_restore.disk.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[checkpoints.RestoreJob](t, "", "")(c.Backups.Restore(drkit.WithoutNote(ctx), backupID, checkpoints.BackupRestore{VolumeID: drkit.Some("35c80db2-bfe5-55b1-87e5-52b226140c4a")}))
			},
			refusal: invalid,
		},
		{
			operation: "Backups.Restore", kind: "files", path: one + "/restore", body: "backups_restore.files.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[checkpoints.RestoreJob](t, "backups_restore.answer", "")(c.Backups.Restore(drkit.WithoutNote(ctx), backupID, given[checkpoints.BackupRestore](t, "backups_restore.files.request", "restore")))
			},
			answer: "backups_restore.answer", refusal: gone,
		},
		{
			operation: "Backups.Sync", path: "/backups/sync", body: "backups_sync.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Backups.Sync(ctx, given[[]checkpoints.BackupSync](t, "backups_sync.request", "sync"))
			},
			answer: "backups_sync.answer", member: "sync", refusal: invalid,
		},
		{
			operation: "Backups.Metadata", path: one + "/metadata",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Backups.Metadata(ctx, backupID)
			},
			answer: "backups_metadata.answer", refusal: gone,
		},
		{
			operation: "Tasks.List", path: "/operation-logs",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Tasks.List(ctx, checkpoints.TaskQuery{}))
			},
			answer: "tasks_list.answer", member: "operation_logs", refusal: forbidden,
		},
		{
			operation: "Tasks.List", kind: "every parameter", path: "/operation-logs",
			query: []string{
				"end_time=2026-03-05T03%3A04%3A05Z", "enterprise_project_id=0", "limit=7", "offset=3", "operation_type=restore",
				"provider_id=0daac4c5-6707-4851-97ba-169e36266b66", "resource_id=r-1", "resource_name=web",
				"start_time=2026-03-04T03%3A04%3A05Z", "status=running", "vault_id=" + vaultID, "vault_name=orchard",
			},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Tasks.List(ctx, everyTaskParameter()))
			},
			answer: "tasks_list.answer", member: "operation_logs", refusal: invalid,
		},
		{
			operation: "Tasks.Get", path: "/operation-logs/" + taskID,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Tasks.Get(ctx, taskID)
			},
			answer: "tasks_get.answer", member: "operation_log", refusal: gone,
		},
	}
}

// A time with a zone, and with a fraction that queries do not take.
var (
	begin = checkpoints.TimeOf(time.Date(2026, 3, 4, 5, 4, 5, 678, time.FixedZone("", 2*60*60)))
	end   = checkpoints.TimeOf(time.Date(2026, 3, 5, 5, 4, 5, 0, time.FixedZone("", 2*60*60)))
)

func everyBackupParameter() checkpoints.BackupQuery {
	return checkpoints.BackupQuery{
		CheckpointID: checkpointID, Dec: drkit.Some(false), StartTime: begin, EndTime: end,
		ImageType: checkpoints.ImageTypeReplication, Limit: 7, Offset: 3, MemberStatus: checkpoints.MemberStatusAccepted,
		Name: "orchard & press", OwnType: checkpoints.OwnTypeShared, ParentID: "p-1", ResourceAZ: "az-1", ResourceID: "r-1",
		ResourceName: "web", ResourceType: checkpoints.ResourceTypeServer,
		Sort:        []checkpoints.SortField{checkpoints.Asc("created_at"), checkpoints.Desc("id")},
		Status:      []checkpoints.BackupStatus{checkpoints.BackupStatusAvailable, checkpoints.BackupStatusError},
		UsedPercent: 80, VaultID: vaultID, EnterpriseProjectID: "all_granted_eps", ShowReplication: drkit.Some(true),
		Incremental: drkit.Some(true),
	}
}

func everyTaskParameter() checkpoints.TaskQuery {
	return checkpoints.TaskQuery{
		StartTime: begin, EndTime: end, OperationType: checkpoints.TaskTypeRestore, ProviderID: checkpoints.ProviderIDServer,
		ResourceID: "r-1", ResourceName: "web", Status: checkpoints.TaskStatusRunning, VaultID: vaultID, VaultName: "orchard",
		EnterpriseProjectID: "0", Limit: 7, Offset: 3,
	}
}

func everyMemberParameter() checkpoints.MemberQuery {
	return checkpoints.MemberQuery{
		DestProjectID: otherProject, ImageID: "i-1", Status: checkpoints.MemberStatusRejected, VaultID: vaultID, Limit: 7,
		Offset: 3, Sort: []checkpoints.SortField{checkpoints.Desc("updated_at")},
	}
}

func memberCases() []wireCase {
	all := "/backups/" + backupID + "/members"
	one := all + "/" + otherProject
	return []wireCase{
		{
			operation: "Members.Add", path: all, body: "members_add.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				poller, err := c.Members.Add(drkit.WithoutNote(ctx), backupID, given[checkpoints.Share](t, "members_add.request", ""))
				return ended(ctx, poller, err)
			},
			answer: "members_add.answer", member: "members", refusal: invalid,
		},
		{
			operation: "Members.List", path: all,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Members.List(ctx, backupID, checkpoints.MemberQuery{}))
			},
			answer: "members_list.answer", member: "members", refusal: gone,
		},
		{
			operation: "Members.List", kind: "every parameter", path: all,
			query: []string{
				"dest_project_id=" + otherProject, "image_id=i-1", "limit=7", "offset=3", "sort=updated_at%3Adesc", "status=rejected",
				"vault_id=" + vaultID,
			},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Members.List(ctx, backupID, everyMemberParameter()))
			},
			answer: "members_list.answer", member: "members", refusal: gone,
		},
		{
			operation: "Members.List", kind: "by marker", path: all, query: []string{"marker=m-0"},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Members.List(ctx, backupID, checkpoints.MemberQuery{Marker: "m-0"}))
			},
			answer: "members_list.answer", member: "members", refusal: invalid,
		},
		{
			operation: "Members.Get", path: one,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Members.Get(ctx, backupID, otherProject)
			},
			answer: "members_get.answer", member: "member", refusal: gone,
		},
		{
			operation: "Members.Update", path: one, body: "members_update.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Members.Update(ctx, backupID, otherProject, checkpoints.MemberUpdate{
					Status: checkpoints.MemberStatusAccepted, VaultID: drkit.Some(vaultID),
				})
			},
			answer: "members_update.answer", member: "member", refusal: invalid,
		},
		{
			operation: "Members.Delete", path: one,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return done(c.Members.Delete(ctx, backupID, otherProject))
			},
			refusal: gone,
		},
	}
}
