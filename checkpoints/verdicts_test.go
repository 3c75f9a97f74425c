package checkpoints

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// copyAt is a copy to region r that was begun on a day, and its state.
func copyAt(id string, begun int, status TaskStatus, change ...func(*seenCopy)) seenCopy {
	row := seenCopy{id: id, created: day(begun), to: destination{Region: "r"}, outcome: CopyOutcome{Status: status}}
	for _, f := range change {
		f(&row)
	}
	return row
}

func elsewhereTo(to destination) func(*seenCopy) { return func(row *seenCopy) { row.to = to } }

// ofServer is a backup that can be copied.
func ofServer(id string, made int) Backup {
	return Backup{
		ID: id, CreatedAt: day(made), Status: BackupStatusAvailable, ResourceType: ResourceTypeServer,
		ExtendInfo: BackupExtendInfo{ContainSystemDisk: true},
	}
}

// Copies are those of a vault if they leave out no backup that the service would have copied.
func TestWhichBackupLacks(t *testing.T) {
	t.Parallel()
	replica, broken, disk := ofServer("b", 2), ofServer("b", 2), ofServer("b", 2)
	replica.ImageType, broken.Status, disk.ExtendInfo.ContainSystemDisk = ImageTypeReplication, BackupStatusError, false
	for name, tc := range map[string]struct {
		way   Way
		other Backup
		rows  []seenCopy // of the other
		lacks bool
	}{
		"copied with the rest":               {WayRecords, ofServer("b", 2), []seenCopy{copyAt("2", 20, TaskStatusRunning)}, false},
		"copied long ago":                    {WayRecords, ofServer("b", 2), []seenCopy{copyAt("2", 3, TaskStatusSuccess)}, false},
		"never copied":                       {WayRecords, ofServer("b", 2), nil, true},
		"made since":                         {WayRecords, ofServer("b", 21), nil, false},
		"has failed with the rest":           {WayRecords, ofServer("b", 2), []seenCopy{copyAt("2", 20, TaskStatusFailed)}, false},
		"has failed long ago":                {WayRecords, ofServer("b", 2), []seenCopy{copyAt("2", 19, TaskStatusFailed)}, true},
		"copied to another region":           {WayRecords, ofServer("b", 2), []seenCopy{copyAt("2", 20, TaskStatusSuccess, elsewhereTo(destination{Region: "s"}))}, true},
		"copied to another vault":            {WayRecords, ofServer("b", 2), []seenCopy{copyAt("2", 3, TaskStatusSuccess, elsewhereTo(destination{Region: "r", Vault: "w"}))}, false},
		"has failed for another vault":       {WayRecords, ofServer("b", 2), []seenCopy{copyAt("2", 20, TaskStatusFailed, elsewhereTo(destination{Region: "r", Vault: "w"}))}, true},
		"a copy itself":                      {WayRecords, replica, nil, false},
		"in error":                           {WayRecords, broken, nil, false},
		"without a system disk":              {WayRecords, disk, nil, false},
		"of before what tasks remember":      {WayTasks, Backup{ID: "b", CreatedAt: day(-20), Status: BackupStatusAvailable, ResourceType: ResourceTypeServer, ExtendInfo: BackupExtendInfo{ContainSystemDisk: true}}, nil, false},
		"just as old, and there are records": {WayRecords, ofServer("b", -20), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &copyWork{to: destination{Region: "r", Vault: "v"}}
			lacks, err := w.lacks(t.Context(), &copies{
				way: tc.way, backups: []Backup{ofServer("a", 2), tc.other},
				byBackup: map[string][]seenCopy{"a": {copyAt("1", 20, TaskStatusRunning)}, "b": tc.rows},
			})
			require.NoError(t, err)
			assert.Equal(t, tc.lacks, lacks != "", lacks)
		})
	}
}

// The copy that is followed is the newest to the destination which was not there before, and which no policy has begun.
func TestNewestCopy(t *testing.T) {
	t.Parallel()
	byPolicy := func(row *seenCopy) { row.veto = "of the policy p" }
	rows := []seenCopy{
		copyAt("before", 5, ""), copyAt("first", 6, ""), copyAt("newest", 8, ""), copyAt("between", 7, ""),
		copyAt("of a policy", 9, "", byPolicy), copyAt("to another region", 9, "", elsewhereTo(destination{Region: "s"})),
		copyAt("to another vault", 9, "", elsewhereTo(destination{Region: "r", Vault: "w"})),
		copyAt("to another project", 9, "", elsewhereTo(destination{Region: "r", Project: "q"})),
		copyAt("noted", 9, ""), copyAt("older than the note", 4, ""),
	}
	c := &copying{
		to:     destination{Region: "r", Project: "p", Vault: "v"},
		before: noted{ids: map[string]bool{"before": true, "noted": true}, newest: day(5).Time},
	}
	newest, found := c.newest(rows)
	assert.True(t, found)
	assert.Equal(t, "newest", newest.id)
	c.auto = true
	newest, _ = c.newest(rows)
	assert.Equal(t, "of a policy", newest.id, "what was asked for as automatic looks like it")
	_, found = c.newest(rows[len(rows)-2:])
	assert.False(t, found)
}

// What was adopted has ended once two looks in a row have shown the same copies, all ended.
func TestCopiesThatComeToLight(t *testing.T) {
	t.Parallel()
	c := &copying{several: true, to: destination{Region: "r"}}
	look := func(rows map[string][]seenCopy) bool {
		seen, missing := c.match(&copies{way: WayTasks, byBackup: rows})
		assert.Empty(t, missing)
		return !seen.open
	}
	one := map[string][]seenCopy{"a": {copyAt("1", 2, TaskStatusSuccess)}}
	two := map[string][]seenCopy{"a": one["a"], "b": {copyAt("2", 2, TaskStatusRunning)}}
	three := map[string][]seenCopy{"a": one["a"], "b": {copyAt("2", 2, TaskStatusFailed)}}
	for i, tc := range []struct {
		rows map[string][]seenCopy
		over bool
	}{{one, false}, {two, false}, {three, false}, {three, true}} {
		assert.Equal(t, tc.over, look(tc.rows), i)
	}
}

func TestReplicaOf(t *testing.T) {
	t.Parallel()
	source := Backup{ID: "b", ResourceID: "vm", ProtectedAt: day(2)}
	like := func(id, resource string, protected Time, of ...string) Backup {
		replica := Backup{ID: id, ResourceID: resource, ProtectedAt: protected}
		for _, one := range of {
			replica.ReplicationRecords = append(replica.ReplicationRecords, ReplicationRecord{SourceBackupID: one})
		}
		return replica
	}
	for want, replicas := range map[string][]Backup{
		"r":       {like("q", "vm", day(3)), like("r", "vm", day(2)), like("s", "other", day(2))},
		"named":   {like("q", "vm", day(2)), like("r", "vm", day(2)), like("named", "vm", Time{}, "x", "b")},
		"":        {like("q", "vm", day(2)), like("r", "vm", day(2))},
		"nothing": {like("q", "vm", Time{})},
	} {
		found, is := replicaOf(source, replicas)
		assert.Equal(t, len(want) == 1 || want == "named", is, want)
		if is {
			assert.Equal(t, want, found.ID)
		}
	}
	_, is := replicaOf(Backup{ID: "b", ResourceID: "vm"}, []Backup{like("q", "vm", Time{})})
	assert.False(t, is, "moments that are not known are not the same")
}

// A task is that of a restoration if it puts that backup back, there.
func TestTasksOfARestoration(t *testing.T) {
	t.Parallel()
	r := &restoring{backup: "b", target: "vm"}
	task := func(kind TaskType, backup, target string) Task {
		return Task{OperationType: kind, ExtraInfo: TaskDetails{Restore: &TaskRestore{BackupID: backup, TargetResourceID: target}}}
	}
	assert.True(t, r.isOf(task(TaskTypeRestore, "b", "vm")))
	assert.True(t, r.isOf(task(TaskTypeRestore, "b", "")), "not every task names it")
	assert.False(t, r.isOf(task(TaskTypeRestore, "b", "other")))
	assert.False(t, r.isOf(task(TaskTypeRestore, "c", "vm")))
	assert.False(t, r.isOf(task(TaskTypeBackup, "b", "vm")))
	assert.False(t, r.isOf(Task{OperationType: TaskTypeRestore}))
	r.target = ""
	assert.True(t, r.isOf(task(TaskTypeRestore, "b", "other")))
}

// What was made under the same name is not what was asked for unless it does the same.
func TestPoliciesThatDiffer(t *testing.T) {
	t.Parallel()
	asked := PolicyCreate{
		OperationType: PolicyOperationBackup, Trigger: PolicyTrigger{Properties: TriggerProperties{Pattern: []Pattern{"FREQ=DAILY"}}},
	}
	made := func(change func(*Policy)) Policy {
		policy := Policy{OperationType: PolicyOperationBackup, Enabled: true}
		policy.Trigger.Properties.Pattern = []Pattern{"FREQ=DAILY"}
		change(&policy)
		return policy
	}
	assert.Empty(t, asked.differs(made(func(*Policy) {})))
	assert.Contains(t, asked.differs(made(func(p *Policy) { p.Enabled = false })), "switched")
	assert.Contains(t, asked.differs(made(func(p *Policy) { p.OperationType = PolicyOperationReplication })), "another operation")
	assert.Contains(t, asked.differs(made(func(p *Policy) { p.Trigger.Properties.Pattern = nil })), "other times")
	asked.Enabled = drkit.Some(false)
	assert.Empty(t, asked.differs(made(func(p *Policy) { p.Enabled = false })))

	wide := OrganizationPolicyCreate{OperationType: PolicyOperationBackup, PolicyName: "nightly"}
	assert.Empty(t, wide.differs(OrganizationPolicy{OperationType: PolicyOperationBackup, PolicyName: "nightly"}))
	assert.Contains(t, wide.differs(OrganizationPolicy{OperationType: PolicyOperationBackup, PolicyName: "daily"}), "called daily")
	assert.Contains(t, wide.differs(OrganizationPolicy{PolicyName: "nightly"}), "another operation")
}

// How all ends of a work that has failed come to one error: what was only skipped says least.
func TestWorstOfAll(t *testing.T) {
	t.Parallel()
	at := func(status TaskStatus, code string) part {
		return part{status: status, code: code, err: outcomeError(status, drkit.TaskError{Code: code, Message: code})}
	}
	skipped, full := at(TaskStatusSkipped, "BackupService.7101"), at(TaskStatusFailed, "BackupService.6114")
	for _, parts := range [][]part{{skipped, full}, {full, skipped}, {skipped, full, skipped}} {
		failed := noneSucceeded(parts, "backups")
		require.ErrorIs(t, failed, ErrQuota)
		require.NotErrorIs(t, failed, ErrSkipped)
		assert.Equal(t, "BackupService.6114", failed.Code)
		assert.Len(t, failed.Warnings, len(parts))
	}
	require.ErrorIs(t, noneSucceeded([]part{skipped, skipped}, "backups"), ErrSkipped)
	assert.Nil(t, noneSucceeded([]part{skipped, at(TaskStatusSuccess, "")}, "backups"))
}

// The newest task counts, in whatever order the list has them.
func TestLastTask(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	row := func(id, created string) string {
		return `{"id":"` + id + `","operation_type":"delete","created_at":"2026-03-` + created + `T00:00:00"}`
	}
	for _, rows := range []string{row("new", "09") + "," + row("old", "02"), row("old", "02") + "," + row("new", "09")} {
		c.answer = func(*http.Request) *http.Response { return reply(200, `{"operation_logs":[`+rows+`],"count":2}`) }
		last, err := c.client().lastTask(t.Context(), TaskQuery{OperationType: TaskTypeDelete}, func(Task) bool { return true })
		require.NoError(t, err)
		assert.Equal(t, "new", last.ID)
	}
}
