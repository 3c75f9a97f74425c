package checkpointstest

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/checkpoints/internal/contract"
)

func TestEveryOperationIsSimulated(t *testing.T) {
	t.Parallel()
	r := &region{}
	handlers := r.handlers(contract.Table)
	used := map[string]bool{}
	for _, operation := range contract.Table.Operations {
		assert.NotNil(t, handlers[operation.Name], operation.Name)
		used[operation.Method+" "+shapeOf(r.routes[operation.Name].rest)] = true
	}
	for shape := range routes() {
		assert.True(t, used[shape], "the contract does not have %s", shape)
	}
}

func TestEveryOperationOfTheIdentityServiceIsSimulated(t *testing.T) {
	t.Parallel()
	handlers := newCloud(nil).iam.handlers()
	table := identityTable()
	for _, operation := range table.Operations {
		assert.NotNil(t, handlers[operation.Name], operation.Name)
		assert.NotContains(t, contract.Table.Operations, operation)
		if operation.Body != "" {
			assert.Contains(t, table.Schemas, operation.Body)
		}
	}
	for name, schema := range table.Schemas {
		for _, member := range schema.Members {
			if member.Schema != "" {
				assert.Contains(t, table.Schemas, member.Schema, name)
			}
		}
	}
}

// A parameter that the contract allows and the simulator does not know would be ignored in silence.
func TestListsKnowAllTheirParameters(t *testing.T) {
	t.Parallel()
	paging := []string{"limit", "offset"}
	for operation, known := range map[string][]string{
		contract.BackupsList.Name: {
			"checkpoint_id", "dec", "start_time", "end_time", "image_type", "marker", "member_status", "name", "own_type",
			"parent_id", "resource_az", "resource_id", "resource_name", "resource_type", "sort", "status", "used_percent",
			"vault_id", "enterprise_project_id", "show_replication", "incremental",
		},
		contract.VaultsList.Name: {
			"cloud_type", "id", "name", "object_type", "policy_id", "protect_type", "resource_ids", "status",
			"enterprise_project_id", "availability_zone",
		},
		contract.VaultsExternal.Name: {"external_project_id", "region_id", "protect_type", "object_type", "objcet_type", "cloud_type", "vault_id"},
		contract.TasksList.Name: {
			"start_time", "end_time", "operation_type", "provider_id", "resource_id", "resource_name", "status", "vault_id",
			"vault_name", "enterprise_project_id",
		},
		contract.MembersList.Name:              {"dest_project_id", "image_id", "status", "vault_id", "marker", "sort"},
		contract.PoliciesList.Name:             {"operation_type", "vault_id"},
		contract.ProtectablesList.Name:         {"id", "marker", "name", "server_id", "status", "enterprise_project_id"},
		contract.AgentsList.Name:               {"status", "agent_id"},
		contract.StorageUsageList.Name:         {"resource_id", "resource_type"},
		contract.OrganizationPoliciesList.Name: {"operation_type"},
	} {
		for _, row := range contract.Table.Operations {
			if row.Name == operation {
				assert.Subset(t, append(known, paging...), row.Query, operation)
			}
		}
	}
}

// The test vector of the signing guide.
func TestSignature(t *testing.T) {
	t.Parallel()
	signed := signedRequest{
		method: "GET", path: "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs/", host: "service.region.example.com",
		query: map[string][]string{"limit": {"2"}, "marker": {"13551d6b-755d-4757-b956-536f674975c0"}},
		header: map[string][]string{
			"Content-Type": {"application/json"}, "X-Sdk-Date": {"20191115T033655Z"},
		},
	}
	names := []string{"content-type", "host", "x-sdk-date"}
	assert.Equal(t, "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe",
		signed.signature(names, "20191115T033655Z", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"))
}
