package cloudreplica_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
)

func TestTimes(t *testing.T) {
	t.Parallel()
	utc := func(nanoseconds int) cloudreplica.Time {
		return cloudreplica.At(time.Date(2031, 5, 2, 21, 0, 12, nanoseconds, time.UTC))
	}
	zoneless := utc(0)
	zoneless.Zoneless = true
	for written, want := range map[string]cloudreplica.Time{
		"2031-05-02T21:00:12Z":         utc(0),
		"2031-05-02T21:00:12.4Z":       utc(400000000),
		"2031-05-02T21:00:12.389954Z":  utc(389954000),
		"2031-05-02T21:00:12.4417663Z": utc(441766300),
		"2031-05-02T23:00:12+02:00":    utc(0),
		"2031-05-02T14:30:12-06:30":    utc(0),
		" 2031-05-02T21:00:12Z\n":      utc(0),
		"2031-05-02T21:00:12":          zoneless,
		"9999-12-31T23:59:59Z":         cloudreplica.At(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)),
		"":                             {},
		"  ":                           {},
		"1753-01-01T00:00:00Z":         {},
		"1753-01-01T00:00:00":          {},
		"1753-01-01T00:00:00.0000000Z": {},
		"1753-01-01T02:00:00+02:00":    {},
		"0001-01-01T00:00:00":          {},
		"0001-01-01T00:00:00Z":         {},
	} {
		got := utc(1) // whatever was there before
		require.NoError(t, got.UnmarshalText([]byte(written)), written)
		assert.Equal(t, want, got, written)
		text, err := got.MarshalText()
		require.NoError(t, err)
		var again cloudreplica.Time
		require.NoError(t, again.UnmarshalText(text))
		assert.Equal(t, got, again, written)
		data, err := json.Marshal(got)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &again))
		assert.Equal(t, got, again, written)
	}
	for _, written := range []string{"yesterday", "2031-05-02", "2031-13-02T21:00:12Z", "2031-05-02 21:00:12", "1893456000", "2031-05-02T21:00:12Zx", "9999-12-31T23:59:59-12:00"} {
		got := utc(1) // whatever was there before
		require.ErrorContains(t, got.UnmarshalText([]byte(written)), "is not a time", written)
		assert.Zero(t, got)
	}
	local := time.Date(2031, 5, 2, 23, 0, 12, 123456789, time.FixedZone("", 2*60*60))
	for _, moment := range []cloudreplica.Time{cloudreplica.At(local), {Time: local}} {
		text, err := moment.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, "2031-05-02T21:00:12.1234567Z", string(text))
	}
	none, err := json.Marshal(cloudreplica.Time{})
	require.NoError(t, err)
	assert.Equal(t, "null", string(none))
	set := utc(0)
	require.NoError(t, json.Unmarshal(none, &set))
	assert.Zero(t, set)
}

func TestIDs(t *testing.T) {
	t.Parallel()
	const id = "72573c8f-0d94-48c3-aa17-c9ee6f3f7dd0"
	for _, href := range []string{
		"https://localhost:9398/api/cloud/tenants/" + id, "https://localhost:9398/api/cloud/tenants/" + id + "?format=Entity",
		"http://evil.example.com/" + id + "#x", "https://em.example.com/a%2Fb/" + id, "/api/cloud/tenants/" + id, id,
	} {
		assert.Equal(t, id, cloudreplica.Link{Href: href}.ID(), href)
	}
	for _, href := range []string{"", "https://em.example.com", "https://em.example.com/", "https://em.example.com/api/", "/%zz", "?x=/" + id} {
		assert.Empty(t, cloudreplica.Link{Href: href}.ID(), href)
	}
	assert.Equal(t, "a/b", cloudreplica.Link{Href: "https://em.example.com/api/a%2Fb"}.ID())

	uid := cloudreplica.UID("urn:veeam:CloudTenant:" + id)
	assert.Equal(t, id, uid.ID())
	assert.Equal(t, "CloudTenant", uid.Type())
	assert.Equal(t, id, cloudreplica.Entity{UID: uid}.ID())
	for _, other := range []cloudreplica.UID{"", id, "urn:vCloud:Organization:1.urn:vcloud:org:2", "urn:veeam:CloudTenant", uid + ":x"} {
		assert.Empty(t, other.Type(), other)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	point := valueOf[cloudreplica.CloudVMReplicaPoint](t, "vm_replica_points_get.answer")
	replica, found := point.Replica()
	assert.True(t, found)
	assert.Equal(t, "Tidewater ledger", replica.Name)
	assert.Equal(t, replicaID, replica.ID())
	server, found := point.BackupServer()
	assert.True(t, found)
	assert.Equal(t, serverID, server.ID())
	turned := point
	turned.Links = slices.Clone(point.Links)
	slices.Reverse(turned.Links)
	again, _ := turned.BackupServer()
	assert.Equal(t, server, again, "the order of links tells nothing")
	again, _ = turned.Replica()
	assert.Equal(t, replica, again)
	other, found := point.Links.Find("up", "cloudreplicareference")
	assert.True(t, found, "some pages write types in another letter case")
	assert.Equal(t, replica, other)
	_, found = point.Links.Find(cloudreplica.RelDelete, "")
	assert.False(t, found)
	first, found := point.Links.Find(cloudreplica.RelUp, "")
	assert.True(t, found)
	assert.Equal(t, server, first)
	_, found = cloudreplica.CloudVMReplicaPoint{}.Replica()
	assert.False(t, found)
}

// The values of the restore points are what their sample says.
func TestPointsOfASample(t *testing.T) {
	t.Parallel()
	for _, speaks := range dialects() {
		s := newService(t, speaks)
		s.OnAny(s.answers(200, "vm_replica_points_list.answer"))
		points, err := s.client().VMReplicaPoints.List(sending(t))
		require.NoError(t, err)
		require.Len(t, points, 2)
		first, second := points[0], points[1]
		assert.Equal(t, "c91d7b59-cc74-5f60-a7b2-081e72013f02", first.ID())
		assert.Equal(t, "ledger-db@2031-05-02 21:00:12", first.Name)
		assert.Equal(t, "ledger-db", first.VMDisplayName)
		assert.Equal(t, time.Date(2031, 5, 2, 21, 0, 12, 441766300, time.UTC), first.CreationTimeUTC.Time)
		assert.Equal(t, cloudreplica.PointTypeSnapshot, first.PointType)
		assert.Equal(t, cloudreplica.ReplicaStateReady, first.State)
		assert.Len(t, first.Links, 3)
		assert.Equal(t, "files & more", second.VMDisplayName)
		assert.Equal(t, cloudreplica.ReplicaStateFailover, second.State)
	}
}

// Six references with three links each, in the form of the vendor's page, with the dots at its end.
func TestReferencesOfThePage(t *testing.T) {
	t.Parallel()
	assert.Contains(t, read(t, "vm_replica_points_list.refs.answer.xml"), "</Ref>\n ...\n</EntityReferences>")
	for _, speaks := range dialects() {
		s := newService(t, speaks)
		s.OnAny(s.answers(200, "vm_replica_points_list.refs.answer"))
		refs, err := s.client().VMReplicaPoints.Refs(sending(t))
		require.NoError(t, err)
		require.Len(t, refs, 6)
		for _, ref := range refs {
			require.Len(t, ref.Links, 3, ref.Name)
			server, found := ref.BackupServer()
			assert.True(t, found)
			assert.Equal(t, "vbr-harbor", server.Name)
			replica, found := ref.Links.Find(cloudreplica.RelUp, "CloudReplicaReference")
			assert.True(t, found)
			assert.NotEmpty(t, replica.ID())
			point, found := ref.Links.Find(cloudreplica.RelAlternate, "CloudVmReplicaPoint")
			assert.True(t, found)
			assert.Equal(t, ref.ID(), point.ID())
			assert.Equal(t, "CloudVmReplicaPoint", ref.UID.Type())
		}
	}
}

func TestTasks(t *testing.T) {
	t.Parallel()
	assert.NoError(t, valueOf[cloudreplica.Task](t, "tasks_get.answer").Err())
	failed := valueOf[cloudreplica.Task](t, "tasks_get.failed.answer")
	assert.True(t, failed.Ended())
	require.EqualError(t, failed.Err(), "task failed: The repository is full (task task-8)")
	failed.State = cloudreplica.TaskStateOperationFinished
	assert.NoError(t, failed.Err(), "it has not ended")
	assert.NoError(t, cloudreplica.Task{State: cloudreplica.TaskStateFinished}.Err(), "it does not say")
}

// What a failover session says of its end: that all went well takes the word of each machine, too.
func TestEndsOfFailoverSessions(t *testing.T) {
	t.Parallel()
	well := cloudreplica.CloudFailoverTask{VMName: "db", Result: cloudreplica.SessionResultSuccess}
	badly := cloudreplica.CloudFailoverTask{VMName: "web", Result: cloudreplica.SessionResultFailed, FailureMessage: "no host"}
	for name, tc := range map[string]struct {
		state    cloudreplica.SessionState
		result   cloudreplica.SessionResult
		message  string
		machines []cloudreplica.CloudFailoverTask
		want     string // empty: no error
	}{
		"under way":                      {cloudreplica.SessionStateWorking, "", "", []cloudreplica.CloudFailoverTask{badly}, ""},
		"well":                           {cloudreplica.SessionStateStopped, cloudreplica.SessionResultSuccess, "", []cloudreplica.CloudFailoverTask{well}, ""},
		"well, but for a machine":        {cloudreplica.SessionStateStopped, cloudreplica.SessionResultSuccess, "", []cloudreplica.CloudFailoverTask{well, badly}, "1 of 2 machines: web (Failed: no host)"},
		"badly":                          {cloudreplica.SessionStateStopped, cloudreplica.SessionResultFailed, "no plan", []cloudreplica.CloudFailoverTask{badly}, "no plan; 1 of 1 machines: web (Failed: no host)"},
		"badly, and nothing of machines": {cloudreplica.SessionStateStopped, cloudreplica.SessionResultFailed, "no plan", nil, "no plan"},
	} {
		session := cloudreplica.CloudFailoverSession{CloudFailoverTasks: tc.machines}
		session.State, session.Result, session.FailureMessage = tc.state, tc.result, tc.message
		err := session.Err()
		if tc.want == "" {
			require.NoError(t, err, name)
			continue
		}
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed, name)
		assert.Equal(t, tc.want, failed.Message, name)
	}
}
