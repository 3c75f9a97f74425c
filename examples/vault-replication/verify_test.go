package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/checkpoints"
)

// noon is when the plan was made, by the service's clock.
var noon = time.Date(2031, time.May, 1, 12, 0, 0, 0, time.UTC)

// backupAt is a backup of db-1.
func backupAt(id string, made time.Time, change ...func(*checkpoints.Backup)) checkpoints.Backup {
	backup := checkpoints.Backup{
		ID: id, ResourceID: "vm", ResourceName: "db-1", Status: checkpoints.BackupStatusAvailable,
		CreatedAt: checkpoints.TimeOf(made), ProtectedAt: checkpoints.TimeOf(made),
	}
	for _, f := range change {
		f(&backup)
	}
	return backup
}

func is(status checkpoints.BackupStatus) func(*checkpoints.Backup) {
	return func(b *checkpoints.Backup) { b.Status = status }
}

func undated(b *checkpoints.Backup) { b.ProtectedAt = checkpoints.Time{} }

func TestVerify(t *testing.T) {
	t.Parallel()
	copied := checkpoints.CopyOutcome{BackupID: "1", ReplicaID: "r1", Status: checkpoints.TaskStatusSuccess}
	unnamed := checkpoints.CopyOutcome{BackupID: "1", Status: checkpoints.TaskStatusSuccess}
	record := func(b *checkpoints.Backup) {
		b.ReplicationRecords = []checkpoints.ReplicationRecord{
			{DestinationRegion: "eu-xx", DestinationBackupID: "r1"}, {DestinationRegion: "eu-nl", DestinationBackupID: "r2"},
		}
	}
	for name, c := range map[string]struct {
		backups []checkpoints.Backup
		copies  []checkpoints.CopyOutcome
		there   []checkpoints.Backup
		found   found
		why     string // of the only exception; empty: there is none
		note    string
	}{
		"as it should be": {
			backups: []checkpoints.Backup{backupAt("1", noon)}, copies: []checkpoints.CopyOutcome{copied},
			there: []checkpoints.Backup{backupAt("r1", noon)}, found: found{backups: 1, copies: 1},
		},
		"found by its content, to the second": {
			backups: []checkpoints.Backup{backupAt("1", noon.Add(400*time.Millisecond))}, copies: []checkpoints.CopyOutcome{unnamed},
			there: []checkpoints.Backup{backupAt("r1", noon)}, found: found{backups: 1, copies: 1},
		},
		"of another second": {
			backups: []checkpoints.Backup{backupAt("1", noon)}, copies: []checkpoints.CopyOutcome{unnamed},
			there: []checkpoints.Backup{backupAt("r1", noon.Add(time.Second))}, found: found{backups: 1},
			why: "missing: it was copied, and the copy is not there",
		},
		"another copy than the one that was named": {
			backups: []checkpoints.Backup{backupAt("1", noon)}, copies: []checkpoints.CopyOutcome{copied},
			there: []checkpoints.Backup{backupAt("r2", noon)}, found: found{backups: 1},
			why: "missing: it was copied, and the copy is not there",
		},
		"copied before, by the record": {
			backups: []checkpoints.Backup{backupAt("1", noon, record)}, found: found{backups: 1, copies: 1},
			there: []checkpoints.Backup{backupAt("r1", noon.Add(time.Hour), is(checkpoints.BackupStatusError)), backupAt("r2", noon.Add(time.Hour))},
		},
		"copied before, and twice there": {
			backups: []checkpoints.Backup{backupAt("1", noon)}, found: found{backups: 1, copies: 1},
			there: []checkpoints.Backup{backupAt("r1", noon, is(checkpoints.BackupStatusError)), backupAt("r2", noon)},
		},
		"whose content does not show": {
			backups: []checkpoints.Backup{backupAt("1", noon, undated)}, copies: []checkpoints.CopyOutcome{unnamed},
			there: []checkpoints.Backup{backupAt("r1", noon, undated)}, found: found{backups: 1},
			why: "missing: it was copied, and the copy is not there",
		},
		"never copied": {
			backups: []checkpoints.Backup{backupAt("1", noon)}, found: found{backups: 1},
			why: "missing: it was not copied: if it was before, its copy was deleted since",
		},
		"being made": {
			backups: []checkpoints.Backup{backupAt("1", noon, is(checkpoints.BackupStatusProtecting))}, found: found{backups: 1},
			why: `missing: it is in the state "protecting"`,
		},
		"broken at its destination": {
			backups: []checkpoints.Backup{backupAt("1", noon)}, copies: []checkpoints.CopyOutcome{copied},
			there: []checkpoints.Backup{backupAt("r1", noon, is(checkpoints.BackupStatusError))}, found: found{backups: 1},
			why: `missing: its copy r1 is in the state "error"`,
		},
		"skipped": {
			backups: []checkpoints.Backup{backupAt("1", noon)}, found: found{backups: 1},
			copies: []checkpoints.CopyOutcome{{BackupID: "1", Status: checkpoints.TaskStatusSkipped, Code: "BackupService.6122"}},
			why:    "skipped: BackupService.6122: no reason",
		},
		"timed out": {
			backups: []checkpoints.Backup{backupAt("1", noon)}, found: found{backups: 1},
			copies: []checkpoints.CopyOutcome{{BackupID: "1", Status: checkpoints.TaskStatusTimeout, Reason: "It took too long."}},
			why:    "failed: no code: It took too long.",
		},
		"forgotten": {
			backups: []checkpoints.Backup{backupAt("1", noon)}, copies: []checkpoints.CopyOutcome{{BackupID: "1"}}, found: found{backups: 1},
			why: "failed: checkpoints.Checkpoints.Replicate: task on 1 failed: nothing tells any more what became of it",
		},
		"skipped, and there all the same": {
			backups: []checkpoints.Backup{backupAt("1", noon)}, found: found{backups: 1, copies: 1}, there: []checkpoints.Backup{backupAt("r1", noon)},
			copies: []checkpoints.CopyOutcome{{BackupID: "1", Status: checkpoints.TaskStatusSkipped}},
		},
		"come since": {
			backups: []checkpoints.Backup{backupAt("1", noon.Add(time.Second))}, found: found{later: 1},
			note: "1 backups have come since, which a run with another journal copies",
		},
		"come since, and copied": {
			backups: []checkpoints.Backup{backupAt("1", noon.Add(time.Second))}, copies: []checkpoints.CopyOutcome{copied},
			there: []checkpoints.Backup{backupAt("r1", noon)}, found: found{backups: 1, copies: 1},
		},
		"gone, its copy is there": {
			copies: []checkpoints.CopyOutcome{copied}, there: []checkpoints.Backup{backupAt("r1", noon)},
			found: found{backups: 1, copies: 1, gone: 1}, note: "1 backups are gone from the vault since",
		},
		"gone with its copy": {
			copies: []checkpoints.CopyOutcome{copied}, found: found{backups: 1, gone: 1}, note: "1 backups are gone from the vault since",
			why: "missing: it was copied, and neither it nor its copy is there",
		},
		"gone, and never copied": {
			copies: []checkpoints.CopyOutcome{{BackupID: "1", Status: checkpoints.TaskStatusFailed}},
			found:  found{gone: 1}, note: "1 backups are gone from the vault since",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there := arrivals{"eu-nl", map[string]checkpoints.Backup{}, map[content]checkpoints.Backup{}}
			for _, backup := range c.there {
				backup.ImageType = checkpoints.ImageTypeReplication
				there.add(backup)
			}
			v := &vault{planned: planned{Until: checkpoints.TimeOf(noon)}, copies: c.copies}
			v.verify(c.backups, there)
			assert.Equal(t, c.found, v.found)
			var notes []string
			if c.note != "" {
				notes = []string{c.note}
			}
			assert.Equal(t, notes, v.notes)
			if c.why == "" {
				assert.Empty(t, v.exceptions)
				assert.NoError(t, v.judge(false))
				return
			}
			require.Len(t, v.exceptions, 1)
			assert.Equal(t, "1", v.exceptions[0].backup)
			assert.Equal(t, c.why, v.exceptions[0].what+": "+v.exceptions[0].why)
			require.EqualError(t, v.judge(false), "1 of 1 backups have no copy")
			if v.exceptions[0].what == wasSkipped {
				assert.NoError(t, v.judge(true))
			} else {
				require.Error(t, v.judge(true))
			}
		})
	}
}

func TestTheOtherEnd(t *testing.T) {
	t.Parallel()
	const id = "7ea787a10226496cbc637f0ec96b83d4"
	here := checkpoints.Settings{AuthURL: "https://iam", Username: "ops", ProjectID: "p1", Region: "eu-de", Endpoint: "https://cbr.eu-de"}
	there := here
	there.Region, there.Endpoint, there.ProjectID, there.ProjectName = "eu-nl", "", "", "eu-nl"
	assert.Equal(t, there, elsewhere(here, place{Region: "eu-nl"}))
	there.Endpoint, there.ProjectName = "https://cbr.eu-nl", "eu-nl_dr"
	assert.Equal(t, there, elsewhere(here, place{Region: "eu-nl", Project: "eu-nl_dr", Endpoint: "https://cbr.eu-nl"}))
	there.ProjectID, there.ProjectName = id, ""
	assert.Equal(t, there, elsewhere(here, place{Region: "eu-nl", Project: id, Endpoint: "https://cbr.eu-nl"}))

	here.AgencyName, here.DelegatedProject = "dr", "eu-de"
	there = here
	there.Region, there.Endpoint, there.DelegatedProject = "eu-nl", "", "eu-nl_dr"
	assert.Equal(t, there, elsewhere(here, place{Region: "eu-nl", Project: "eu-nl_dr"}))
}
