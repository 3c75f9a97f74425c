package vcavtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// A parameter that the contract allows and the simulator does not know would be ignored in silence.
func TestListsKnowAllTheirParameters(t *testing.T) {
	t.Parallel()
	c, err := newConfig(nil)
	require.NoError(t, err)
	a, err := newAppliance(c)
	require.NoError(t, err)
	assert.ElementsMatch(t, contract.TasksList.Query, parametersOf(a.taskListing(time.Now())))
	assert.ElementsMatch(t, contract.VMReplicationsList.Query, parametersOf(a.replicationListing(time.Now(), a.local())))
	for _, operation := range contract.Table.Operations {
		if operation.Name != contract.TasksList.Name && operation.Name != contract.VMReplicationsList.Name && a.handlers()[operation.Name] != nil {
			assert.Subset(t, []string{"site"}, operation.Query, operation.Name)
		}
	}
}

func parametersOf[T any](l listing[T]) []string {
	names := []string{"site", "sort", "offset", "limit"}
	for _, f := range l.filters {
		names = append(names, f.name)
	}
	return names
}
