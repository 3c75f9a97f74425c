package checkpoints_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// What became of each resource shows in the error of a checkpoint that has none, also to a run that comes later.
func TestOutcomesOfACheckpointThatFails(t *testing.T) {
	t.Parallel()
	bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
		y.here.FailTask("Checkpoints.Create", db, "BackupService.6114", "The vault is full.")
		y.here.SkipTask("Checkpoints.Create", app, "BackupService.7101", "The status forbids it.")
		journal := new(drkit.MemoryJournal)
		for range 2 {
			poller, err := drkit.Once(t.Context(), journal, "nightly", func(ctx context.Context) (*drkit.Poller[checkpoints.CheckpointResult], error) {
				return y.client.Checkpoints.Create(ctx, named("nightly"))
			})
			require.NoError(t, err)
			_, err = poller.Wait(t.Context())
			ends := map[string]error{}
			for _, outcome := range checkpoints.BackupOutcomesOf(fmt.Errorf("runbook: %w", err)) {
				ends[outcome.ResourceID] = outcome.Err()
			}
			require.Len(t, ends, 2)
			require.ErrorIs(t, ends[db], checkpoints.CodeVaultFull)
			require.ErrorIs(t, ends[app], checkpoints.ErrSkipped)
			assert.Empty(t, checkpoints.CopyOutcomesOf(err))
		}
	})
}

// Likewise for a replication that has copied nothing.
func TestOutcomesOfAReplicationThatFails(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		made := y.here.AddBackups(production, 1)
		for range made {
			y.here.SkipTask("Checkpoints.Replicate", "", "BackupService.6122", "It cannot be replicated.")
		}
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		var copied []string
		for _, outcome := range checkpoints.CopyOutcomesOf(err) {
			copied = append(copied, outcome.BackupID)
			require.ErrorIs(t, outcome.Err(), checkpoints.CodeResourceCannotReplicate)
		}
		assert.ElementsMatch(t, made, copied)
		assert.Empty(t, checkpoints.BackupOutcomesOf(err))
	})
}

// No other error has outcomes, and half of them are none.
func TestErrorsWithoutOutcomes(t *testing.T) {
	t.Parallel()
	told := func(operation string, warnings ...string) error {
		failed := &drkit.TaskError{Operation: operation}
		for _, warning := range warnings {
			failed.Warnings = append(failed.Warnings, json.RawMessage(warning))
		}
		return failed
	}
	const replicate, one = "checkpoints.Checkpoints.Replicate", `{"backup_id": "1", "status": "skipped"}`
	assert.Len(t, checkpoints.CopyOutcomesOf(told(replicate, one, one)), 2)
	for name, err := range map[string]error{
		"none":               nil,
		"another error":      errors.New("x"),
		"another operation":  told("vcav.VMReplications.Failover", one),
		"no warnings":        told(replicate),
		"another warning":    told(replicate, one, `"disk is slow"`),
		"about nothing":      told(replicate, one, `{"status": "skipped"}`),
		"a lost replication": &drkit.OutcomeUnknownError{Operation: replicate},
	} {
		assert.Nil(t, checkpoints.CopyOutcomesOf(err), name)
		assert.Nil(t, checkpoints.BackupOutcomesOf(err), name)
	}
}
