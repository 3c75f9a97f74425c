package unitrendstest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// copying is a connected pair in memory, and what its guests need.
type copying struct {
	*unitrendstest.Pair
	source, target guest
	sid, targetID  int
}

func newCopying(t *testing.T, options ...unitrendstest.Option) copying {
	t.Helper()
	pair := unitrendstest.NewPair(t, append(options, unitrendstest.InMemory())...)
	sid, targetID := pair.Connect()
	return copying{Pair: pair, source: enter(t, pair.Source), target: enter(t, pair.Target), sid: sid, targetID: targetID}
}

// order creates a job order for assets, and returns its id.
func (c copying) order(t *testing.T, name string, assets ...string) int {
	t.Helper()
	var ids []string
	for _, asset := range assets {
		ids = append(ids, fmt.Sprint(c.Source.AssetID(asset)))
	}
	got := c.source.ask(t, 201, "POST", "/api/joborders", fmt.Sprintf(
		`{"name":%q,"type":"Replication","instances":[%s],"target_id":%d}`, name, strings.Join(ids, ","), c.targetID))
	return read[struct{ Result []struct{ ID int } }](t, got).Result[0].ID
}

func TestTheQueueFillsAndDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCopying(t, unitrendstest.Copying(time.Minute))
		assert.JSONEq(t, `{"active":[],"inactive":[]}`, c.source.ask(t, 200, "GET", "/api/replication/queue", "").body)
		id := c.order(t, "nightly", "db-1", "app-1", "web-1")
		<-time.After(30 * time.Second)
		active := c.source.get(t, "/api/replication/queue", "active")
		waiting := c.source.get(t, "/api/replication/queue", "inactive")
		require.Len(t, active, 2, "max_concurrent")
		require.Len(t, waiting, 1)
		assert.Equal(t, "50", active[0]["percent_complete"])
		assert.Equal(t, "nightly", active[0]["name"])
		assert.Equal(t, map[string]any{
			"queue_position": 1., "target": "vault", "backup_id": float64(c.Source.BackupIDs("web-1")[0]), "type": "Full",
			"name": "esx-1", "instance_name": "web-1", "size": 1024., "start_date": "12/31/1999 11:00:00 pm", "status": "Needed", "sid": 1.,
		}, waiting[0])
		assert.Equal(t, active, c.source.get(t, "/api/jobs/active/replication", "data"))
		assert.Equal(t, active, c.source.get(t, "/api/replication/queue/active", "data"))
		assert.Equal(t, active, c.source.get(t, "/api/jobs/active", "data"))
		assert.Empty(t, c.source.get(t, "/api/jobs/active/flr", "data"))
		assert.Equal(t, waiting, c.source.get(t, "/api/replication/queue/inactive", "inactive"))
		assert.Len(t, c.target.get(t, "/api/replication/queue", "active"), 2, "a target shows the queues of all sources")
		assert.EqualValues(t, c.sid, c.target.get(t, "/api/replication/queue", "active")[0]["sid"])
		assert.Empty(t, c.Target.BackupIDs("db-1"))

		<-time.After(90 * time.Second) // the third copy begins in the minute when nobody looks
		assert.JSONEq(t, `{"active":[],"inactive":[]}`, c.source.ask(t, 200, "GET", "/api/replication/queue", "").body)
		assert.Len(t, c.Target.BackupIDs("web-1"), 1)
		history := c.source.get(t, "/api/jobs/history", "data")
		require.Len(t, history, 3)
		assert.Equal(t, "01/01/2000 12:01:00 am", history[2]["start_date"])
		assert.Equal(t, "00:01:00", history[2]["duration"])
		flat := c.source.get(t, "/api/jobs/history/?showFlat=true&start_date=01/01/2000&end_date=01/01/2000", "data")
		require.Len(t, flat, 3)
		assert.Equal(t, "web-1", flat[2]["asset_name"])
		assert.Empty(t, c.source.get(t, "/api/jobs/history/?start_date=01/02/2000", "data"))
		assert.Empty(t, c.source.get(t, "/api/jobs/history/?end_date=12/31/1999", "data"))
		row := c.source.get(t, "/api/joborders", "data")[0]
		assert.Equal(t, "Success", row["last_status"])

		c.source.ask(t, 200, "PUT", fmt.Sprintf("/api/joborders/run/%d/?sid=1", id), "")
		active2, waiting2 := c.Source.QueueLength()
		assert.Zero(t, active2+waiting2, "everything has been copied")
		_, err := c.Source.AddBackup("db-1")
		require.NoError(t, err)
		active2, _ = c.Source.QueueLength()
		assert.Equal(t, 1, active2)
	})
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		strategy, settings string
		scheme, copies     int
	}{
		"all":     {"Maximize Retention", "Maximum Retention", 1, 3},
		"recency": {"Recency", "Recency", 2, 1},
		"manual":  {"Manual", "Manual", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCopying(t, unitrendstest.AtSource(unitrendstest.Protects(unitrendstest.Asset{Name: "db-1", Backups: 3})))
			c.Source.HoldCopies(true)
			c.source.ask(t, 200, "PUT", "/api/replication/queue/strategy/?sid=1", fmt.Sprintf(`{"strategy":%q}`, tc.strategy))
			assert.JSONEq(t, fmt.Sprintf(`{"strategy":%q}`, tc.strategy), c.source.ask(t, 200, "GET", "/api/replication/queue/strategy/?sid=1", "").body)
			config := c.source.get(t, "/api/replication/config/?sid=1", "config")
			require.Len(t, config, 1)
			assert.Equal(t, tc.settings, config[0]["strategy"])
			assert.EqualValues(t, tc.scheme, config[0]["queue_scheme"])
			assert.NotContains(t, config[0], "sid")
			c.order(t, "nightly", "db-1")
			active, waiting := c.Source.QueueLength()
			assert.Zero(t, active)
			assert.Equal(t, tc.copies, waiting)
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	c := newCopying(t, unitrendstest.Copying(time.Hour))
	path := "/api/replication/config/?sid=1"
	c.source.ask(t, 200, "PUT", path, `{"max_concurrent":1,"report_mail_to":"joe@example.com","report_time":"18:30","queue_value":2}`)
	assert.JSONEq(t, `{"config":[{"max_concurrent":1,"report_mail_to":"joe@example.com","report_time":"06:30 pm","strategy":"Recency","queue_scheme":2}]}`,
		c.source.ask(t, 200, "GET", path, "").body)
	c.source.ask(t, 200, "PUT", path, `{"report_mail_to":""}`)
	for _, wrong := range []string{`{"max_concurrent":0}`, `{"queue_value":3}`, `{"report_time":"late"}`} {
		c.source.refused(t, 500, "", "PUT", path, wrong)
	}
	assert.EqualValues(t, 1, c.source.get(t, "/api/replication/config", "config")[0]["sid"])
	// The target reaches the settings of its source, too.
	assert.EqualValues(t, 1, c.target.get(t, fmt.Sprintf("/api/replication/config/?sid=%d", c.sid), "config")[0]["max_concurrent"])
	c.order(t, "nightly", "db-1", "app-1")
	c.Source.HoldCopies(true)
	active, waiting := c.Source.QueueLength()
	assert.Equal(t, 1, active)
	assert.Equal(t, 1, waiting)
}

func TestEditingTheQueue(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit        string // of the queue db-1, app-1 (both being copied), web-1
		want        []string
		aborted     int
		refused     string
		atTheTarget bool
	}{
		"one backup":         {edit: `{"backups":[{"id":WEB,"target":"vault"}],"action":"none"}`, want: []string{"db-1", "app-1"}},
		"of another target":  {edit: `{"backups":[{"id":WEB,"target":"cloud-1"}],"action":"none"}`, want: []string{"db-1", "app-1", "web-1"}},
		"not there":          {edit: `{"backups":[{"id":341238,"target":"vault"}],"action":"none"}`, want: []string{"db-1", "app-1", "web-1"}},
		"an active one":      {edit: `{"instances":["db-1"],"action":"none"}`, want: []string{"app-1", "web-1"}, aborted: 1},
		"to the end":         {edit: `{"instances":["db-1"],"action":"reset"}`, want: []string{"app-1", "web-1", "db-1"}, aborted: 1},
		"a client":           {edit: `{"clients":["esx-1"],"action":"none"}`, want: nil, aborted: 2},
		"from the target":    {edit: `{"instances":["web-1"],"action":"none"}`, want: []string{"db-1", "app-1"}, atTheTarget: true},
		"nothing named":      {edit: `{"action":"none"}`, refused: "Either backups or clients or instances"},
		"two kinds of names": {edit: `{"clients":["esx-1"],"instances":["db-1"],"action":"none"}`, refused: "Either backups or clients or instances"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCopying(t, unitrendstest.Copying(time.Hour))
			c.order(t, "nightly", "db-1", "app-1", "web-1")
			c.Source.HoldCopies(true)
			edit := strings.ReplaceAll(tc.edit, "WEB", fmt.Sprint(c.Source.BackupIDs("web-1")[0]))
			if tc.refused != "" {
				c.source.refused(t, 500, tc.refused, "PUT", "/api/replication/queue", edit)
				return
			}
			by, path := c.source, "/api/replication/queue"
			if tc.atTheTarget {
				by, path = c.target, fmt.Sprintf("%s/?sid=%d", path, c.sid)
			}
			by.ask(t, 200, "PUT", path, edit)
			var left []string
			for _, row := range append(c.source.get(t, "/api/replication/queue", "active"), c.source.get(t, "/api/replication/queue", "inactive")...) {
				left = append(left, fmt.Sprint(row["instance_name"]))
			}
			assert.Equal(t, tc.want, left)
			history := c.source.get(t, "/api/jobs/history", "data")
			require.Len(t, history, tc.aborted)
			for _, job := range history {
				assert.Equal(t, "Aborted", job["status"])
			}
		})
	}
}

func TestCopiesThatFailAreCancelledAndHeld(t *testing.T) {
	t.Parallel()
	c := newCopying(t)
	c.Source.HoldCopies(true)
	c.order(t, "nightly", "db-1", "app-1", "web-1")
	c.Source.FailCopy("db-1", "the disk is full")
	c.Source.SetCopying(time.Hour)
	c.Source.HoldCopies(false)
	active := c.source.get(t, "/api/jobs/active", "data")
	require.Len(t, active, 2)
	c.source.refused(t, 404, "no running job", "DELETE", "/api/jobs/0/?sid=1", "")
	c.source.ask(t, 200, "DELETE", fmt.Sprintf("/api/jobs/%v/?sid=1", active[1]["id"]), "")
	c.source.refused(t, 404, "no running job", "DELETE", fmt.Sprintf("/api/jobs/%v/?sid=1", active[1]["id"]), "")
	assert.Equal(t, 2, c.Source.FinishCopies())
	flat := c.source.get(t, "/api/jobs/history?showFlat=true", "data")
	require.Len(t, flat, 3)
	assert.Equal(t, []any{"Aborted", "Failed", "Success"}, []any{flat[0]["status"], flat[1]["status"], flat[2]["status"]})
	assert.Equal(t, "the disk is full", flat[1]["message"])
	assert.Empty(t, c.Target.BackupIDs("db-1"))
}

func TestRemovingASourceStopsItsCopies(t *testing.T) {
	t.Parallel()
	c := newCopying(t)
	c.Source.SetCopying(time.Hour)
	id := c.order(t, "nightly", "db-1", "app-1", "web-1")
	c.target.ask(t, 200, "DELETE", fmt.Sprintf("/api/replication/source/%d", c.sid), "")
	active, waiting := c.Source.QueueLength()
	assert.Zero(t, active+waiting)
	c.source.refused(t, 500, "not connected", "PUT", fmt.Sprintf("/api/joborders/run/%d/?sid=1", id), "")
	_, err := c.Source.AddBackup("db-1")
	require.NoError(t, err)
	active, waiting = c.Source.QueueLength()
	assert.Zero(t, active+waiting, "nothing is queued for a target that has gone")
}
