package vcavtest

import (
	"cmp"
	"math/rand/v2"
	"slices"
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
	}
	for _, operation := range contract.Table.Operations {
		if a.handlers()[operation.Name] != nil {
			assert.Subset(t, append(known[operation.Name], "site"), operation.Query, operation.Name)
		}
	}
}

func TestWhatIsSimulated(t *testing.T) {
	t.Parallel()
	c, err := newConfig(nil)
	require.NoError(t, err)
	a, err := newAppliance(c)
	require.NoError(t, err)
	var missing []string
	for _, operation := range contract.Table.Operations {
		if a.handlers()[operation.Name] == nil {
			missing = append(missing, operation.Name)
		}
	}
	assert.ElementsMatch(t, []string{
		"Diagnostics.IsConfigured", "Diagnostics.Health", "SupportBundles.List", "SupportBundles.Generate",
		"SupportBundles.GenerateWithID", "SupportBundles.Delete", "SupportBundles.Download",
		"SupportBundles.CreateCookie", "SupportBundles.DownloadWithCookie",
	}, missing, "these answer 501")
}

// A page of a sorted list has the rows that a full sort would put there.
func TestSortPart(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 1, 2, 24, 25, 26, 100, 1000} {
		sorted := make([]int, length)
		for i := range sorted {
			sorted[i] = i
		}
		for _, from := range []int{0, 1, length / 3, length - 1, length} {
			for _, count := range []int{0, 1, 7, 100, length} {
				from = min(max(from, 0), length)
				to := min(from+count, length)
				for _, items := range [][]int{slices.Clone(sorted), reversedOf(sorted), shuffled(sorted)} {
					sortPart(items, from, to, cmp.Compare[int])
					assert.Equal(t, sorted[from:to], items[from:to])
					slices.Sort(items)
					assert.Equal(t, sorted, items, "none is lost")
				}
			}
		}
	}
}

func reversedOf(items []int) []int {
	items = slices.Clone(items)
	slices.Reverse(items)
	return items
}

func shuffled(items []int) []int {
	items = slices.Clone(items)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	return items
}

func parametersOf[T any](l listing[T]) []string {
	names := []string{"site", "sort", "offset", "limit"}
	for _, f := range l.filters {
		names = append(names, f.name)
	}
	return names
}
