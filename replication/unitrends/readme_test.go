package unitrends_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// What the README shows of the simulator. Change both together.
func TestPairOfTheReadme(t *testing.T) {
	t.Parallel()
	pair := unitrendstest.NewPair(t)
	client, err := unitrends.NewClient(pair.Target.URL, unitrends.Login(pair.Target.User, drkit.NewSecret(pair.Target.Password)), pair.Options()...)
	require.NoError(t, err)
	require.NoError(t, pair.Source.Operator("ann").RequestTarget("vault"))

	// The source is accepted, then the answer is lost.
	pair.Target.Inject(unitrendstest.Fault{Operation: "Sources.Decide", After: true, Drop: true, Times: 1})
	accepted, err := client.Sources.Accept(t.Context(), "1", unitrends.Acceptance{})
	require.NoError(t, err)
	source, err := accepted.Wait(t.Context()) // until it is configured

	require.NoError(t, err)
	assert.True(t, source.Replicates())
	assert.Equal(t, 1, pair.Target.Ran("Sources.Decide", "1"))
	require.NoError(t, client.Close(t.Context()))
}
