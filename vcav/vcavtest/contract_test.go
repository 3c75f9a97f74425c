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
	known := map[string][]string{
		contract.TasksList.Name:               contract.TasksList.Query,
		contract.VMReplicationsList.Name:      contract.VMReplicationsList.Query,
		contract.VMReplicationsTraffic.Name:   {"interval", "start", "end"},
		contract.VMReplicationsDiskUsage.Name: {"interval", "start", "end"},

		contract.SupportBundlesDownloadWithCookie.Name: {cookieParameter},
	}
	for _, operation := range contract.Table.Operations {
		assert.Subset(t, append(known[operation.Name], "site"), operation.Query, operation.Name)
	}
}

func TestEveryOperationIsSimulated(t *testing.T) {
	t.Parallel()
	c, err := newConfig(nil)
	require.NoError(t, err)
	a, err := newAppliance(c)
	require.NoError(t, err)
	handlers := a.handlers()
	for _, operation := range contract.Table.Operations {
		assert.NotNil(t, handlers[operation.Name], operation.Name)
	}
}

// Java's Double.toString, by which appliances write numbers.
func TestJavaDouble(t *testing.T) {
	t.Parallel()
	for value, want := range map[javaDouble]string{
		0: "0.0", 27950: "27950.0", 0.5: "0.5", 9999999: "9999999.0", 1e7: "1.0E7", 12345678: "1.2345678E7",
		17179869184: "1.7179869184E10",
	} {
		got, err := value.MarshalJSON()
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
}

func parametersOf[T any](l listing[T]) []string {
	names := []string{"site", "sort", "offset", "limit"}
	for _, f := range l.filters {
		names = append(names, f.name)
	}
	return names
}
