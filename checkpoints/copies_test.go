package checkpoints

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked returns the queries that the backup service has got for a list, in their order.
func (c *cloud) asked(list string) (queries []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, req := range c.seen {
		if strings.HasSuffix(req.URL.Path, list) {
			queries = append(queries, req.URL.RawQuery)
		}
	}
	return queries
}

func day(n int) Time { return TimeOf(time.Date(2026, time.March, n, 0, 0, 0, 0, time.UTC)) }

// empty is a service where nothing has ever happened.
func empty(*http.Request) *http.Response {
	return reply(200, `{"backups":[],"operation_logs":[],"count":0}`)
}

// Who needs tasks from an earlier day on does not get those that somebody else has read from a later one.
func TestTasksAreSharedByTheirBeginning(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.answer = empty
	client := c.client()
	for _, from := range []Time{day(9), day(2), day(9), day(2)} {
		one := &copying{client: client, vault: "v", from: from, to: destination{Region: "r"}}
		_, err := one.elsewhere(t.Context(), ReplicatedBackup{BackupID: "b"})
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"start_time=2026-03-09T00%3A00%3A00Z&vault_id=v", "start_time=2026-03-02T00%3A00%3A00Z&vault_id=v"},
		c.asked("/operation-logs"))
}

// The same copies may be waited for twice: the first wait to stop does not take away what the other needs.
func TestWaitsForTheSameCopies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.answer = empty
		client := c.client()
		client.learn(t.Context(), recordsRefused)
		item := copyItem("v", "")
		one := &copying{client: client}
		_, _, first := client.watchCopies(item, copyWait{one, day(2)}, time.Now())
		_, _, second := client.watchCopies(item, copyWait{one, day(2)}, time.Now())
		_, _, other := client.watchCopies(item, copyWait{one, day(9)}, time.Now())
		earliest := func() string {
			_, err := client.copiesOf(t.Context(), item.ID)
			require.NoError(t, err)
			queries := c.asked("/operation-logs")
			return queries[len(queries)-1]
		}
		first()
		assert.Equal(t, "start_time=2026-03-02T00%3A00%3A00Z&vault_id=v", earliest())
		second()
		assert.Equal(t, "start_time=2026-03-09T00%3A00%3A00Z&vault_id=v", earliest())
		other()
		assert.Empty(t, client.copyWatches.waits)
	})
}

// A row that slips from one page to another now and then is not gone: only looks in a row that miss it count.
func TestMissesInARow(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.answer = empty
	there := copiesByTasks([]Task{{
		ID: "t", OperationType: TaskTypeReplication, Status: TaskStatusRunning, CreatedAt: day(2),
		ExtraInfo: TaskDetails{Replication: &TaskReplication{SourceBackupID: "b", DestinationRegion: "r"}},
	}})
	slipped := &copies{way: WayTasks}
	one := &copying{
		client: c.client(), backup: "b", vault: "v", to: destination{Region: "r"}, wanted: []ReplicatedBackup{{BackupID: "b"}},
		born: time.Now().Add(-time.Hour),
	}
	for range 3 {
		for range missesToBeGone - 1 {
			seen, err := one.judge(t.Context(), slipped)
			require.NoError(t, err)
			assert.True(t, seen.open)
		}
		seen, err := one.judge(t.Context(), there)
		require.NoError(t, err)
		assert.Zero(t, seen.missing)
	}
	assert.Empty(t, c.asked("/operation-logs"))
	for range missesToBeGone {
		seen, err := one.judge(t.Context(), slipped)
		require.NoError(t, err)
		assert.Equal(t, 1, seen.missing)
	}
	assert.Len(t, c.asked("/operation-logs"), 1, "it is asked for by itself before it counts as gone")
}

// That one vault shows no records says nothing of another: notes and looks see for themselves, while waits go on by
// tasks until somebody has seen a record.
func TestRecordsOfEachVault(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.answer = func(r *http.Request) *http.Response {
		query := r.URL.Query()
		switch {
		case strings.HasSuffix(r.URL.Path, "/operation-logs"):
			return empty(r)
		case query.Get("vault_id") == "never copied":
			return reply(200, `{"backups":[{"id":"a"}],"count":1}`)
		default:
			return reply(200, `{"backups":[{"id":"b","replication_records":[{"id":"old","status":"success","destination_region":"r"}]}],"count":1}`)
		}
	}
	client := c.client()
	read := func(vault string, how reading) Way {
		found, err := client.readCopies(t.Context(), BackupQuery{VaultID: vault}, Time{}, how)
		require.NoError(t, err)
		return found.way
	}
	assert.Equal(t, WayTasks, read("never copied", strictly))
	assert.Equal(t, WayTasks, read("copied", leniently), "a wait does not ask again and again")
	assert.Equal(t, WayRecords, read("copied", strictly))
	assert.Equal(t, WayRecords, read("copied", leniently))
	assert.Equal(t, WayTasks, read("never copied", leniently))

	c.answer = func(r *http.Request) *http.Response {
		if strings.HasSuffix(r.URL.Path, "/backups") {
			return reply(400, `{"error_code":"BackupService.9900","error_msg":"No such parameter."}`)
		}
		return empty(r)
	}
	client = c.client()
	before := len(c.asked("/backups"))
	assert.Equal(t, WayTasks, read("copied", strictly))
	assert.Equal(t, WayTasks, read("copied", strictly))
	assert.Len(t, c.asked("/backups"), before+1, "what the cloud refuses is asked for once")
}

// Who waits for copies asks for the backups that were made when theirs were, give or take a day, once that is known;
// for all of the vault where some are not found that way, or more may come to light.
func TestSpans(t *testing.T) {
	t.Parallel()
	made := map[string]Time{"a": day(3), "b": day(9), "c": day(20)}
	wanted := func(ids ...string) *copying {
		c := &copying{ended: map[string]CopyOutcome{}}
		for _, id := range ids {
			c.wanted = append(c.wanted, ReplicatedBackup{BackupID: id})
		}
		return c
	}
	now := &copies{way: WayRecords}
	for id, at := range made {
		now.backups = append(now.backups, Backup{ID: id, CreatedAt: at})
	}
	query := func(from, to int) BackupQuery {
		return BackupQuery{VaultID: "v", StartTime: day(from), EndTime: day(to)}
	}
	everything := BackupQuery{VaultID: "v"}

	some := wanted("b", "c")
	assert.Equal(t, everything, some.lately().of("v"))
	some.narrow(now)
	assert.Equal(t, query(8, 22), some.lately().of("v"))
	one := wanted("a")
	one.narrow(now)
	assert.Equal(t, query(2, 22), some.lately().with(one.lately()).of("v"))
	assert.Equal(t, query(2, 22), one.lately().with(some.lately()).of("v"))
	assert.Equal(t, everything, one.lately().with(wanted("a").lately()).of("v"))
	some.ended["c"] = CopyOutcome{}
	some.narrow(now)
	assert.Equal(t, query(8, 11), some.lately().of("v"))
	now.backups = now.backups[:0]
	some.narrow(now)
	assert.Equal(t, everything, some.lately().of("v"))
	now.backups = append(now.backups, Backup{ID: "b", CreatedAt: day(9)})
	some.narrow(now)
	assert.Equal(t, everything, some.lately().of("v"), "what was not found once is not narrowed again")

	for name, open := range map[string]*copying{"by tasks": wanted("b"), "adopted": wanted("b")} {
		open.several = name == "adopted"
		open.narrow(&copies{way: map[bool]Way{true: WayRecords, false: WayTasks}[open.several], backups: now.backups})
		assert.Equal(t, everything, open.lately().of("v"), name)
	}
}
