package vspheretest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

func simulated(t *testing.T) *world {
	t.Helper()
	c, err := newConfig(nil)
	require.NoError(t, err)
	w, err := newWorld(c)
	require.NoError(t, err)
	return w
}

func TestEveryOperationIsSimulated(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	for _, operation := range contract.Table.Operations {
		assert.NotNil(t, w.table[operation.Name].work, operation.Name)
		assert.Equal(t, operation.Anonymous, w.table[operation.Name].anonymous, operation.Name)
	}
	assert.Len(t, w.table, len(contract.Table.Operations))
}

// The table here is from the reference, and so is the one of the contract: what they say of the remote site, and of
// which operations are new, has to be the same.
func TestPromisesAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	for _, operation := range contract.Table.Operations {
		own := w.table[operation.Name]
		assert.Equal(t, own.added, operation.Since != "1.0.0", operation.Name)
		switch operation.Remote {
		case "error/error":
			assert.Equal(t, remoteSession, own.needs, operation.Name)
		case "ok/error":
			assert.Equal(t, remoteServer, own.needs, operation.Name)
		default: // full, partial, depends: the operation sees to it
			assert.Equal(t, alone, own.needs, operation.Name)
		}
	}
}

// A parameter that the contract allows and the simulator does not know would be ignored in silence.
func TestParametersAreKnown(t *testing.T) {
	t.Parallel()
	lists := []string{"filter_property", "filter", "sort_by", "order_by", "offset", "limit"}
	own := map[string][]string{
		contract.ReplicationsList.Name:         {"source_vc_guid", "extended_info"},
		contract.ReplicationsIssues.Name:       {"source_vc_guid"},
		contract.ReplicationsDelete.Name:       {"retain_replica_disks"},
		contract.ReplicationsUnconfigure.Name:  {"retain_replica_disks"},
		contract.ReplicationsCapabilities.Name: {"vm_id"},
		contract.PairingsBreak.Name:            {"force"},
		contract.VMsList.Name:                  {"suitable_for_replication"},
		contract.ComputeList.Name:              {"path"},
		contract.FoldersList.Name:              {"path"},
	}
	for _, operation := range contract.Table.Operations {
		assert.Subset(t, append(own[operation.Name], lists...), operation.Query, operation.Name)
		assert.Subset(t, operation.Query, own[operation.Name], operation.Name)
	}
}

func TestArgumentsAreKnown(t *testing.T) {
	t.Parallel()
	for _, operation := range contract.Table.Operations {
		for segment := range strings.SplitSeq(operation.Path, "/") {
			if strings.HasPrefix(segment, "{") {
				assert.Contains(t, narrowest, strings.Trim(segment, "{}"), operation.Path)
			}
		}
	}
}

// Only reads may be done by observers, and so a class that is wrong would show.
func TestClassesOfReads(t *testing.T) {
	t.Parallel()
	for _, operation := range contract.Table.Operations {
		if operation.Method == "GET" {
			assert.Equal(t, api.Read, operation.Class, operation.Name)
		}
	}
}
