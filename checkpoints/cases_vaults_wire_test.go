package checkpoints_test

import (
	"context"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// The wire cases of vaults, policies, tags and capabilities.

func vaultCases() []wireCase {
	return []wireCase{
		{
			operation: "Vaults.Create", method: "Create", path: "/vaults", body: "vaults_create.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[checkpoints.Vault](t, "vaults_create.answer", "vault")(c.Vaults.Create(drkit.WithoutNote(ctx), given[checkpoints.VaultCreate](t, "vaults_create.request", "vault")))
			},
			answer: "vaults_create.answer", member: "vault", refusal: full,
		},
		{
			operation: "Vaults.Create", kind: "without resources", method: "Create", path: "/vaults", body: "vaults_create.empty.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[checkpoints.Vault](t, "vaults_create.answer", "vault")(c.Vaults.Create(drkit.WithoutNote(ctx), checkpoints.VaultCreate{Name: "orchard-vault", Billing: checkpoints.BillingCreate{
					ConsistentLevel: checkpoints.ConsistentLevelCrash, ObjectType: checkpoints.ObjectTypeServer,
					ProtectType: checkpoints.ProtectTypeBackup, Size: 400,
				}}))
			},
			answer: "vaults_create.answer", member: "vault", refusal: invalid,
		},
		{
			operation: "Vaults.Create", kind: "paid ahead", method: "CreatePrepaid", path: "/vaults", body: "vaults_create.prepaid.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				poller, err := c.Vaults.CreatePrepaid(drkit.WithoutNote(ctx), given[checkpoints.VaultCreate](t, "vaults_create.prepaid.request", "vault"))
				return ended(ctx, poller, err)
			},
			answer: "vaults_create.prepaid.answer", refusal: full,
		},
		{
			operation: "Vaults.List", path: "/vaults",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Vaults.List(ctx, checkpoints.VaultQuery{}))
			},
			answer: "vaults_list.answer", member: "vaults", refusal: forbidden,
		},
		{
			operation: "Vaults.List", kind: "every parameter", path: "/vaults",
			query: []string{
				"availability_zone=az-1", "cloud_type=public", "enterprise_project_id=0", "id=a&id=b", "limit=7", "name=orchard",
				"object_type=server", "offset=3", "policy_id=p-1", "protect_type=replication", "resource_ids=r-1%2Cr-2", "status=lock",
			},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Vaults.List(ctx, everyVaultParameter()))
			},
			answer: "vaults_list.answer", member: "vaults", refusal: invalid,
		},
		{
			operation: "Vaults.Get", path: "/vaults/" + vaultID,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Vaults.Get(ctx, vaultID)
			},
			answer: "vaults_get.answer", member: "vault", refusal: gone,
		},
		{
			operation: "Vaults.Update", path: "/vaults/" + vaultID, body: "vaults_update.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Vaults.Update(ctx, vaultID, given[checkpoints.VaultUpdate](t, "vaults_update.request", "vault"))
			},
			answer: "vaults_update.answer", member: "vault", refusal: busy,
		},
		{
			operation: "Vaults.Delete", path: "/vaults/" + vaultID,
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[any](t, "", "")(c.Vaults.Delete(ctx, vaultID))
			},
			refusal: busy,
		},
		{
			operation: "Vaults.External", kind: "every parameter", path: "/vaults/external",
			query: []string{
				"cloud_type=hybrid", "external_project_id=" + otherProject, "limit=7", "object_type=disk", "offset=3",
				"protect_type=backup", "region_id=orchard-south", "vault_id=" + vaultID,
			},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Vaults.External(ctx, everyExternalParameter()))
			},
			answer: "vaults_external.answer", member: "vaults", refusal: forbidden,
		},
		{
			operation: "Vaults.UpdateNotifications", path: "/vaults/batch-update", body: "vaults_update_notifications.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Vaults.UpdateNotifications(ctx, checkpoints.VaultNotifications{SMNNotify: drkit.Some(false), Threshold: drkit.Some(85)})
			},
			answer: "vaults_update_notifications.answer", member: "updated_vaults_id", refusal: invalid,
		},
		{
			operation: "Vaults.Summary", path: "/vaults/summary",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Vaults.Summary(ctx)
			},
			answer: "vaults_summary.answer", refusal: forbidden,
		},
	}
}

func everyVaultParameter() checkpoints.VaultQuery {
	return checkpoints.VaultQuery{
		IDs: []string{"a", "b"}, Name: "orchard", CloudType: checkpoints.CloudTypePublic, ObjectType: checkpoints.ObjectTypeServer,
		ProtectType: checkpoints.ProtectTypeReplication, PolicyID: "p-1", ResourceIDs: []string{"r-1", "r-2"},
		Status: checkpoints.VaultStatusLock, EnterpriseProjectID: "0", AvailabilityZone: "az-1", Limit: 7, Offset: 3,
	}
}

func everyExternalParameter() checkpoints.ExternalVaultQuery {
	return checkpoints.ExternalVaultQuery{
		ExternalProjectID: otherProject, RegionID: "orchard-south", ProtectType: checkpoints.ProtectTypeBackup,
		ObjectType: checkpoints.ObjectTypeDisk, CloudType: checkpoints.CloudTypeHybrid, VaultID: vaultID, Limit: 7, Offset: 3,
	}
}

func vaultResourceCases() []wireCase {
	vault := "/vaults/" + vaultID
	both := []string{serverID, "9f7019c0-703f-5a4e-9133-54bd831ccbdf"}
	return []wireCase{
		{
			operation: "Vaults.AddResources", path: vault + "/addresources", body: "vaults_add_resources.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[[]string](t, "vaults_add_resources.answer", "add_resource_ids")(c.Vaults.AddResources(ctx, vaultID, given[[]checkpoints.Resource](t, "vaults_add_resources.request", "resources")))
			},
			answer: "vaults_add_resources.answer", member: "add_resource_ids", refusal: full,
		},
		{
			operation: "Vaults.RemoveResources", path: vault + "/removeresources", body: "vaults_remove_resources.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[[]string](t, "vaults_remove_resources.answer", "remove_resource_ids")(c.Vaults.RemoveResources(ctx, vaultID, both))
			},
			answer: "vaults_remove_resources.answer", member: "remove_resource_ids", refusal: busy,
		},
		{
			operation: "Vaults.MigrateResources", path: vault + "/migrateresources", body: "vaults_migrate_resources.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return begun[[]string](t, "vaults_migrate_resources.answer", "migrated_resources")(c.Vaults.MigrateResources(drkit.WithoutNote(ctx), vaultID, "8d2b3395-cdca-5758-9048-0e51739a5ef9", both))
			},
			answer: "vaults_migrate_resources.answer", member: "migrated_resources", refusal: busy,
		},
		{
			operation: "Vaults.SetResources", path: vault + "/set-resources", body: "vaults_set_resources.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Vaults.SetResources(ctx, vaultID, checkpoints.ResourceActionSuspend, both)
			},
			answer: "vaults_set_resources.answer", member: "set_resource_ids", refusal: gone,
		},
		{
			operation: "Vaults.AssociatePolicy", path: vault + "/associatepolicy", body: "vaults_associate_policy.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Vaults.AssociatePolicy(ctx, vaultID, given[checkpoints.PolicyAssociation](t, "vaults_associate_policy.request", ""))
			},
			answer: "vaults_associate_policy.answer", member: "associate_policy", refusal: invalid,
		},
		{
			operation: "Vaults.AssociatePolicy", kind: "several", path: vault + "/associatepolicy", body: "vaults_associate_policy.several.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Vaults.AssociatePolicy(ctx, vaultID, given[checkpoints.PolicyAssociation](t, "vaults_associate_policy.several.request", ""))
			},
			answer: "vaults_associate_policy.answer", member: "associate_policy", refusal: gone,
		},
		{
			operation: "Vaults.DissociatePolicy", path: vault + "/dissociatepolicy", body: "vaults_dissociate_policy.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Vaults.DissociatePolicy(ctx, vaultID, policyID)
			},
			answer: "vaults_dissociate_policy.answer", member: "dissociate_policy", refusal: gone,
		},
	}
}

func policyCases() []wireCase {
	create := func(sample string) func(context.Context, *testing.T, *checkpoints.Client) (any, error) {
		return func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
			return begun[checkpoints.Policy](t, "policies_create.answer", "policy")(c.Policies.Create(drkit.WithoutNote(ctx), given[checkpoints.PolicyCreate](t, sample, "policy")))
		}
	}
	return []wireCase{
		{
			operation: "Policies.Create", path: "/policies", body: "policies_create.request", call: create("policies_create.request"),
			answer: "policies_create.answer", member: "policy", refusal: full,
		},
		{
			operation: "Policies.Create", kind: "counted", path: "/policies", body: "policies_create.counted.request",
			call:   create("policies_create.counted.request"),
			answer: "policies_create.answer", member: "policy", refusal: invalid,
		},
		{
			operation: "Policies.Create", kind: "replication", path: "/policies", body: "policies_create.replication.request",
			call:   create("policies_create.replication.request"),
			answer: "policies_create.answer", member: "policy", refusal: invalid,
		},
		{
			operation: "Policies.List", path: "/policies",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Policies.List(ctx, checkpoints.PolicyQuery{})
			},
			answer: "policies_list.answer", member: "policies", refusal: forbidden,
		},
		{
			operation: "Policies.List", kind: "every parameter", path: "/policies", query: []string{"operation_type=replication", "vault_id=" + vaultID},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Policies.List(ctx, everyPolicyParameter())
			},
			answer: "policies_list.answer", member: "policies", refusal: gone,
		},
		{
			operation: "Policies.Get", path: "/policies/" + policyID,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Policies.Get(ctx, policyID)
			},
			answer: "policies_get.answer", member: "policy", refusal: gone,
		},
		{
			operation: "Policies.Update", path: "/policies/" + policyID, body: "policies_update.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Policies.Update(ctx, policyID, given[checkpoints.PolicyUpdate](t, "policies_update.request", "policy"))
			},
			answer: "policies_update.answer", member: "policy", refusal: invalid,
		},
		{
			operation: "Policies.Delete", path: "/policies/" + policyID,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return done(c.Policies.Delete(ctx, policyID))
			},
			refusal: gone,
		},
	}
}

func everyPolicyParameter() checkpoints.PolicyQuery {
	return checkpoints.PolicyQuery{OperationType: checkpoints.PolicyOperationReplication, VaultID: vaultID}
}

func capabilityCases() []wireCase {
	return []wireCase{
		{
			operation: "Capabilities.Replication", path: "/replication-capabilities",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Capabilities.Replication(ctx)
			},
			answer: "capabilities_replication.answer", member: "regions", refusal: forbidden,
		},
		{
			operation: "Protectables.List", kind: "every parameter", path: "/protectables/server/instances",
			query: []string{
				"enterprise_project_id=0", "id=r-1", "limit=50", "marker=r-0", "name=web", "offset=2", "server_id=s-1", "status=active",
			},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Protectables.List(ctx, checkpoints.ProtectableTypeServer, everyProtectableParameter())
			},
			answer: "protectables_list.answer", member: "instances", refusal: invalid,
		},
		{
			operation: "Protectables.Get", path: "/protectables/disk/instances/" + serverID,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Protectables.Get(ctx, checkpoints.ProtectableTypeDisk, serverID)
			},
			answer: "protectables_get.answer", member: "instance", refusal: gone,
		},
		{
			operation: "Features.List", kind: "every parameter", path: "/cbr-features", query: []string{"limit=7", "offset=3"},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Features.List(ctx, checkpoints.FeatureQuery{Limit: 7, Offset: 3})
			},
			answer: "features_list.answer", refusal: forbidden,
		},
		{
			operation: "Features.Get", path: "/cbr-features/replication.enable",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Features.Get(ctx, "replication.enable")
			},
			answer: "features_get.answer", member: "replication.enable", refusal: invalid,
		},
		{
			operation: "StorageUsage.List", kind: "every parameter", path: "/storage_usage",
			query: []string{"limit=7", "offset=3", "resource_id=r-1", "resource_type=OS%3A%3ASfs%3A%3ATurbo"},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.StorageUsage.List(ctx, everyUsageParameter()))
			},
			answer: "storage_usage_list.answer", member: "storage_usage", refusal: forbidden,
		},
	}
}

func everyProtectableParameter() checkpoints.ProtectableQuery {
	return checkpoints.ProtectableQuery{
		ID: "r-1", Name: "web", ServerID: "s-1", Status: "active", EnterpriseProjectID: "0", Limit: 50, Offset: 2, Marker: "r-0",
	}
}

func everyUsageParameter() checkpoints.StorageUsageQuery {
	return checkpoints.StorageUsageQuery{ResourceID: "r-1", ResourceType: checkpoints.ResourceTypeTurbo, Limit: 7, Offset: 3}
}

func tagCases() []wireCase {
	tags := "/vault/" + vaultID + "/tags"
	return []wireCase{
		{
			operation: "Tags.FindVaults", method: "FindVaults", path: "/vault/resource_instances/action", body: "tags_find_vaults.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				filter := given[checkpoints.TagFilter](t, "tags_find_vaults.request", "")
				filter.Limit, filter.Offset = 100, 200
				return collect(c.Tags.FindVaults(ctx, filter))
			},
			answer: "tags_find_vaults.answer", member: "resources", refusal: invalid,
		},
		{
			operation: "Tags.FindVaults", kind: "without tags", method: "FindVaults", path: "/vault/resource_instances/action",
			body: "tags_find_vaults.first.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Tags.FindVaults(ctx, checkpoints.TagFilter{WithoutAnyTag: drkit.Some(true)}))
			},
			answer: "tags_find_vaults.answer", member: "resources", refusal: forbidden,
		},
		{
			operation: "Tags.FindVaults", kind: "count", method: "CountVaults", path: "/vault/resource_instances/action",
			body: "tags_find_vaults.count.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Tags.CountVaults(ctx, checkpoints.TagFilter{
					Tags: []checkpoints.TagValues{{Key: "season"}}, Limit: 5, Offset: 6, // pages mean nothing to a count
				})
			},
			answer: "tags_find_vaults.count.answer", member: "total_count", refusal: invalid,
		},
		{
			operation: "Tags.List", path: "/vault/tags",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Tags.List(ctx)
			},
			answer: "tags_list.answer", member: "tags", refusal: forbidden,
		},
		{
			operation: "Tags.Get", path: tags,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Tags.Get(ctx, vaultID)
			},
			answer: "tags_get.answer", refusal: gone,
		},
		{
			operation: "Tags.Set", path: tags, body: "tags_set.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return done(c.Tags.Set(ctx, vaultID, checkpoints.Tag{Key: "season", Value: "autumn"}))
			},
			refusal: full,
		},
		{
			operation: "Tags.SetMany", method: "SetMany", path: tags + "/action", body: "tags_set_many.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return done(c.Tags.SetMany(ctx, vaultID, []checkpoints.Tag{{Key: "season", Value: "autumn"}, {Key: "press"}}))
			},
			refusal: full,
		},
		{
			operation: "Tags.SetMany", kind: "delete", method: "DeleteMany", path: tags + "/action", body: "tags_set_many.delete.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return done(c.Tags.DeleteMany(ctx, vaultID, []string{"season", "press"}))
			},
			refusal: gone,
		},
		{
			operation: "Tags.Delete", path: tags + "/season%20%26%2Fcrop%3F",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return done(c.Tags.Delete(ctx, vaultID, "season &/crop?"))
			},
			refusal: gone,
		},
	}
}
