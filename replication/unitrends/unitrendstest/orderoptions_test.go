package unitrendstest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// Sources and orders may be there from the beginning, and what the orders have to copy is on its way.
func TestAPictureWithOrders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := unitrendstest.NewServer(t, unitrendstest.InMemory(), unitrendstest.Copying(time.Minute), unitrendstest.Pending("barge"),
			unitrendstest.TakesIn("quay-07", "quay-12"), unitrendstest.CopiesTo("cloud-1", "cloud-3"), unitrendstest.Orders(
				unitrendstest.Order{Name: "nightly"},
				unitrendstest.Order{Name: "offsite", Assets: []string{"web-1"}, Target: "cloud-3", Disabled: true},
			))
		g := enter(t, server)
		rows := g.get(t, "/api/systems", "appliance")
		require.Len(t, rows, 4)
		assert.Equal(t, "Target", rows[0]["role"])
		assert.Equal(t, "Non-Managed Replication Source", rows[1]["role"])
		assert.Equal(t, []any{"quay-07", "quay-12", "barge"}, []any{rows[1]["name"], rows[2]["name"], rows[3]["name"]})
		assert.Equal(t, []int{2, 3}, []int{server.SystemID("quay-07"), server.SystemID("quay-12")})
		assert.Equal(t, 1, server.RequestID("barge"))

		orders := g.get(t, "/api/joborders", "data")
		require.Len(t, orders, 2)
		assert.Equal(t, []any{"nightly", "Enabled", "Never", "cloud-1"}, []any{orders[0]["name"], orders[0]["status"], orders[0]["last_status"], orders[0]["target_name"]})
		assert.Equal(t, []any{"offsite", "Disabled", "Never", "cloud-3"}, []any{orders[1]["name"], orders[1]["status"], orders[1]["last_status"], orders[1]["target_name"]})
		assert.Equal(t, []int{1, 2, 0}, []int{server.OrderID("nightly"), server.OrderID("offsite"), server.OrderID("hourly")})
		active, waiting := server.QueueLength()
		assert.Equal(t, []int{2, 1}, []int{active, waiting}, "those of nightly alone")

		<-time.After(3 * time.Minute)
		assert.Equal(t, []unitrendstest.Order{
			{Name: "nightly", Assets: []string{"db-1", "app-1", "web-1"}, Target: "cloud-1", Last: "Success"},
			{Name: "offsite", Assets: []string{"web-1"}, Target: "cloud-3", Disabled: true, Last: "Never"},
		}, server.Orders())
		assert.Len(t, g.get(t, "/api/jobs/history", "data"), 3)
		server.ForgetHistory()
		assert.Empty(t, g.get(t, "/api/jobs/history", "data"))
		assert.Equal(t, "Success", server.Orders()[0].Last, "which the order keeps itself")
	})
}

// A pair may be connected from the beginning.
func TestAPairThatIsConnected(t *testing.T) {
	t.Parallel()
	pair := unitrendstest.NewPair(t, unitrendstest.AtSource(unitrendstest.CopiesTo("vault"), unitrendstest.Orders(unitrendstest.Order{Name: "nightly"})))
	assert.Equal(t, "vault", pair.Source.Orders()[0].Target)
	assert.Equal(t, "Non-Managed Replication Source", enter(t, pair.Target).get(t, "/api/systems", "appliance")[1]["role"])
}

func TestOrdersThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for want, options := range map[string][]unitrendstest.Option{
		"Orders: an order has a name":                              {unitrendstest.Orders(unitrendstest.Order{})},
		`Orders: "nightly" names no target that takes in copies`:   {unitrendstest.CopiesTo(), unitrendstest.Orders(unitrendstest.Order{Name: "nightly"})},
		`Orders: "a" names no target that takes in copies`:         {unitrendstest.Orders(unitrendstest.Order{Name: "a", Target: "cloud-2"})},
		"copies of vault, or an asset that it does not protect":    {unitrendstest.Orders(unitrendstest.Order{Name: "a", Assets: []string{"db-1", "db-9"}})},
		`Orders: "none" names no target that takes in copies`:      {unitrendstest.Protects(), unitrendstest.Orders(unitrendstest.Order{Name: "none"})},
		"TakesIn, CopiesTo, Reachable and Manages name others tha": {unitrendstest.TakesIn("vault")},
	} {
		_, err := unitrendstest.Start(options...)
		require.ErrorContains(t, err, want)
	}
	_, err := unitrendstest.StartPair(unitrendstest.AtSource(unitrendstest.Pending("vault")),
		unitrendstest.AtTarget(unitrendstest.Protects(unitrendstest.Asset{Name: "db-1"}), unitrendstest.Orders(unitrendstest.Order{Name: "nightly"})))
	require.ErrorContains(t, err, `Orders: "nightly" names no target`, "branch was asked, and has not accepted")
}
