package checkpoints

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
)

// Whatever is given for a token, it is refused, or stays the same and says what to look for.
func FuzzResume(f *testing.F) {
	for _, operation := range []string{methodCreate, methodReplicate, methodReplicateBackup, methodRestore, methodDeleteBackup, methodCreateVault, "Vaults.Get", ""} {
		f.Add("checkpoints", operation, `{"id":"a","vault":"b","copies":[{"backup_id":"c"}],"newest":"2026-01-01T00:00:00Z","before":["task d"]}`)
	}
	f.Add("vcav", methodCreate, `{"id":"a"}`)
	f.Add("checkpoints", methodReplicate, `{"several":true,"unnoted":true,"to":{"region":1}}`)
	client, err := NewClient("https://cbr.example.com", "p", Token(drkit.NewSecret("t")))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, service, operation, task string) {
		text := step.Token{Service: service, Appliance: "p", Operation: operation, Task: task, User: anybody}.String()
		poller, err := Resume[json.RawMessage](client, text)
		if err != nil {
			require.ErrorIs(t, err, drkit.ErrToken)
			assert.NotContains(t, err.Error(), "\n")
			return
		}
		require.NotEmpty(t, poller.ID())
		again, err := poller.ResumeToken(t.Context())
		if err == nil {
			_, err = step.ParseToken(again)
			require.NoError(t, err)
		}
		var about, twice subject
		require.NoError(t, step.Token{Task: task}.About(&about))
		require.NotEmpty(t, about.ID+about.Vault)
		require.NoError(t, step.Token{Task: about.String()}.About(&twice))
		assert.Equal(t, about.String(), twice.String())
	})
}

// Whatever rows the service shows, no copy ends that has no row of an end, and none that was there before is taken for
// a new one.
func FuzzCopies(f *testing.F) {
	f.Add(`[{"id":"t","operation_type":"replication","status":"success","created_at":"2026-01-01T00:00:00",
		"extra_info":{"replication":{"source_backup_id":"b","destination_region":"r","destination_project_id":"p"}}}]`, `[]`, "task t")
	f.Add(`[]`, `[{"id":"b","replication_records":[{"id":"x","status":"fail","destination_region":"r","destination_vault_id":"v",
		"extra_info":{"fail_code":"BackupService.6129","progress":-3}}]},{"id":"c","replication_records":[]}]`, "")
	f.Add(`[{"id":"t","operation_type":"replication","extra_info":{"replication":null}},{"id":"u"}]`, `[{"id":""}]`, "record x")
	f.Fuzz(func(t *testing.T, tasks, backups, before string) {
		var taskRows []Task
		var backupRows []Backup
		if json.Unmarshal([]byte(tasks), &taskRows) != nil || json.Unmarshal([]byte(backups), &backupRows) != nil {
			return
		}
		now := copiesByTasks(taskRows)
		for _, backup := range backupRows {
			for _, record := range backup.ReplicationRecords {
				now.byBackup[backup.ID] = append(now.byBackup[backup.ID], copyByRecord(backup, record))
			}
		}
		c := &copying{
			backup: "", to: destination{Region: "r", Project: "p", Vault: "v"}, several: true, born: time.Now(),
			before: noted{ids: map[string]bool{before: true}},
		}
		seen, missing := c.match(now)
		assert.Empty(t, missing)
		for _, outcome := range seen.outcomes {
			rows := now.byBackup[outcome.BackupID]
			require.NotEmpty(t, rows)
			assert.NotEqual(t, before, "task "+outcome.TaskID)
			if outcome.TaskID == "" {
				assert.NotEqual(t, before, "record "+outcome.RecordID)
			}
		}
		look, err := allCopies{c}.shown(seen, nil)
		if len(seen.outcomes) == 0 && !seen.open {
			require.ErrorIs(t, err, drkit.ErrNotFound)
			return
		}
		require.NoError(t, err)
		assert.Equal(t, seen.open, !look.Done)
		assert.GreaterOrEqual(t, look.Progress.Percent, 0)
		assert.LessOrEqual(t, look.Progress.Percent, 100)
	})
}
