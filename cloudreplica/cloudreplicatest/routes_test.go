package cloudreplicatest

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
)

func TestEveryOperationIsSimulated(t *testing.T) {
	t.Parallel()
	handlers := (&enterprise{}).handlers(contract.Table)
	used := map[string]bool{}
	for _, operation := range contract.Table.Operations {
		assert.NotNil(t, handlers[operation.Name], operation.Name)
		used[shapeOf(operation)] = true
	}
	for shape := range routes() {
		assert.True(t, used[shape], "the contract does not have %s", shape)
	}
}

// What starts a task says in the contract what the service calls its work, and here nothing else.
func TestTasksAreCalledAsInTheContract(t *testing.T) {
	t.Parallel()
	for _, operation := range contract.Table.Operations {
		if operation.Answer == "Task" && operation.Class == api.Once {
			assert.Equal(t, operation.TaskOperation, taskOperations[operation.Name], operation.Name)
		}
	}
}

// A field that the contract lets clients filter by and that is not known here would be refused.
func TestQueriesKnowAllFields(t *testing.T) {
	t.Parallel()
	for _, k := range queried {
		schema, declared := contract.Table.Schemas[k.name+"Fields"]
		assert.True(t, declared, k.name)
		for _, member := range schema.Members {
			assert.NotNil(t, fieldOf(k, member.Name), "%s.%s", k.name, member.Name)
		}
		assert.Len(t, fieldsOf(k), len(schema.Members), k.name)
	}
}

func TestCamelCase(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Href": "href", "UID": "uid", "CPUCount": "cpuCount", "CreationTimeUTC": "creationTimeUTC", "vCloudTenant": "vCloudTenant",
		"ADTenantType": "adTenantType", "VmDisplayName": "vmDisplayName", "ExternalIP": "externalIP",
		"ObtainIPAddressAutomatically": "obtainIPAddressAutomatically",
	} {
		assert.Equal(t, want, camelCase(name))
	}
}
