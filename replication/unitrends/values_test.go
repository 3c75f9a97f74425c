package unitrends_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/unitrends"
)

func isOneLine(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r != ' ' && (unicode.IsControl(r) || unicode.IsSpace(r)) })
}

// Identifiers read as numbers and as text, and go out as numbers where they are some.
func TestIDs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]unitrends.ID{
		"3": "3", `"3"`: "3", "-41": "-41", `"5.vm_ir"`: "5.vm_ir", "null": "", `""`: "", `"007"`: "007",
		"12345678901234567890": "12345678901234567890", "1.5": "1.5",
	} {
		id := unitrends.ID("before")
		require.NoError(t, json.Unmarshal([]byte(text), &id), text)
		assert.Equal(t, want, id, text)
	}
	for id, want := range map[unitrends.ID]string{
		"3": "3", "-41": "-41", "007": `"007"`, "+3": `"+3"`, "1_4": `"1_4"`, "": `""`, "1e3": `"1e3"`, `"`: `"\""`,
		"12345678901234567890": `"12345678901234567890"`,
	} {
		text, err := json.Marshal(id)
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
	}
	for _, text := range []string{"{}", "[1]", "true", "", "x"} {
		assert.Error(t, json.Unmarshal([]byte(text), new(unitrends.ID)), text)
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	auckland := time.FixedZone("NZDT", 13*60*60)
	moment := time.Date(2026, time.March, 1, 23, 30, 0, 0, time.UTC)
	assert.Equal(t, unitrends.Date("03/01/2026"), unitrends.DateOf(moment))
	assert.Equal(t, unitrends.Date("03/02/2026"), unitrends.DateOf(moment.In(auckland)), "the day is that of the time's own zone")
}

// Numbers, truth values and text come as one another.
func TestLooseScalars(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/api/systems", says(200, `{"appliance":{"id":"1","is_pending":"false","name":12,"role":"Target","local":"True","version":9.0}}`))
	s.on("GET", "/api/replication/config", says(200, `{"config":{"max_concurrent":"3","queue_scheme":"2.0","report_time":930,"report_mail_to":"","strategy":"Maximum Retention"}}`))
	s.on("GET", "/api/replication/queue", says(200, `{"active":[{"id":"7","name":"a","status":1,"percent_complete":41.5}],
		"inactive":[{"queue_position":"1","size":"18432","backup_id":"9","type":true}]}`))
	client := s.client()
	systems, err := client.Systems.List(wire(t), unitrends.SystemQuery{})
	require.NoError(t, err)
	assert.Equal(t, []unitrends.System{{ID: "1", Name: "12", Role: "Target", Local: true, Version: "9.0"}}, systems)
	settings, err := client.Config.Get(wire(t))
	require.NoError(t, err)
	assert.Equal(t, []unitrends.ReplicationConfig{
		{MaxConcurrent: 3, QueueScheme: 2, ReportTime: "930", Strategy: unitrends.StrategyMaximizeRetention},
	}, settings)
	queue, err := client.Queue.Get(wire(t))
	require.NoError(t, err)
	assert.Equal(t, unitrends.ReplicationQueue{
		Active:   []unitrends.Job{{ID: "7", Name: "a", Status: "1", PercentComplete: "41.5"}},
		Inactive: []unitrends.QueueItem{{QueuePosition: 1, Size: 18432, BackupID: "9", Type: "true"}},
	}, queue)
	assert.Equal(t, 41, queue.Active[0].Percent())
}

// The copies under way come as the jobs that they are, or as they stand in the queue: the wiki shows neither.
func TestActiveCopies(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]unitrends.Job{
		`{"data":[{"id":7,"name":"a","status":"Active"}]}`:   {{ID: "7", Name: "a", Status: "Active"}},
		`{"active":[{"id":7,"name":"a","status":"Active"}]}`: {{ID: "7", Name: "a", Status: "Active"}},
		`{"active":[]}`: {}, `{"data":[]}`: {},
	} {
		s := newService(t)
		s.on("GET", "/api/replication/queue/active", says(200, body))
		got, err := s.client().Queue.Active(wire(t))
		require.NoError(t, err, body)
		assert.ElementsMatch(t, want, got, body)
	}
}

// A strategy that nobody knows survives, and so does the one with two spellings.
func TestStrategies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]unitrends.Strategy{
		"Maximum Retention": unitrends.StrategyMaximizeRetention, "Maximize Retention": unitrends.StrategyMaximizeRetention,
		"Recency": unitrends.StrategyRecency, "Ebb": "Ebb",
	} {
		s := newService(t)
		s.on("GET", "/api/replication/queue/strategy", says(200, `{"strategy":"`+text+`"}`))
		got, err := s.client().Queue.Strategy(wire(t))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"37%": 37, "37": 37, " 99.9 % ": 99, "": 0, "n/a": 0, "-3": 0, "250": 100, "NaN": 0, "Inf": 100,
	} {
		assert.Equal(t, want, unitrends.Job{PercentComplete: text}.Percent(), text)
	}
}

func TestReplicates(t *testing.T) {
	t.Parallel()
	for role, want := range map[unitrends.SystemRole]bool{
		unitrends.SystemRoleReplicationSource: true, unitrends.SystemRoleNonManagedReplicationSource: true,
		"replicating source": true, "non-managed replication source": true, "Non-managed Replication Source": true,
		unitrends.SystemRoleManagedDPU: false, unitrends.SystemRoleTarget: false, "": false,
	} {
		assert.Equal(t, want, unitrends.System{Role: role}.Replicates(), role)
		assert.False(t, unitrends.System{Role: role, IsPending: true}.Replicates(), role)
	}
}

// A list may come in the envelope of its hypervisor or without it, alone or not at all.
func TestVirtualClients(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]unitrends.VirtualClients{
		`{"data":{}}`: {},
		`{"data":{"vm_ir":[{"virtual_id":"1.vm_ir"}],"hv_ir":[]}}`:        {VMware: []unitrends.VirtualClient{{VirtualID: "1.vm_ir"}}, HyperV: []unitrends.VirtualClient{}},
		`{"data":{"vm_ir":{"virtual_id":"1.vm_ir"},"hv_ir":null}}`:        {VMware: []unitrends.VirtualClient{{VirtualID: "1.vm_ir"}}},
		`{"data":{"hv_ir":{"data":{"virtual_id":2,"vm_name":"till"}}}}`:   {HyperV: []unitrends.VirtualClient{{VirtualID: "2", VMName: "till"}}},
		`{"data":{"hv_ir":{"data":[{"virtual_id":2},{"virtual_id":3}]}}}`: {HyperV: []unitrends.VirtualClient{{VirtualID: "2"}, {VirtualID: "3"}}},
	} {
		s := newService(t)
		s.on("GET", "/api/virtual_clients", says(200, body))
		got, err := s.client().InstantRecoveries.List(wire(t))
		require.NoError(t, err, body)
		assert.Equal(t, want, got, body)
		assert.Len(t, got.All(), len(want.VMware)+len(want.HyperV))
	}
}
