package checkpoints_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// wait waits for work that has begun, for a day at most.
func wait[T any](ctx context.Context, poller *drkit.Poller[T], err error) error {
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 24*time.Hour)
	defer cancel()
	_, err = poller.Wait(ctx)
	return err
}

// changes may be sent again, and are refused where they have been done.
var changes = map[string]func(ctx context.Context, y *yard) error{
	"Vaults.AddResources": func(ctx context.Context, y *yard) error {
		poller, err := y.client.Vaults.AddResources(ctx, production, []checkpoints.Resource{server(web)})
		return wait(ctx, poller, err)
	},
	"Vaults.RemoveResources": func(ctx context.Context, y *yard) error {
		poller, err := y.client.Vaults.RemoveResources(ctx, production, []string{app})
		return wait(ctx, poller, err)
	},
	"Backups.Delete": func(ctx context.Context, y *yard) error {
		poller, err := y.client.Backups.Delete(ctx, y.backupsOf(db)[0])
		return wait(ctx, poller, err)
	},
	"Vaults.Delete": func(ctx context.Context, y *yard) error {
		poller, err := y.client.Vaults.Delete(ctx, production)
		return wait(ctx, poller, err)
	},
}

// What was done before its answer was lost is done, although the service refuses to do it once more.
func TestRepeatsThatFindTheirWorkDone(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
				y.here.AddBackups(production, 1)
				y.here.Inject(checkpointstest.Fault{Operation: name, After: true, Drop: true, Times: 1})
				require.NoError(t, change(t.Context(), y))
				assert.Equal(t, 2, y.here.Count(name))
				assert.Equal(t, 1, y.here.Ran(name, ""))
			})
		})
	}
}

// What forbids the first attempt forbids the repeat of one that never came to anything.
func TestRepeatsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, forbid := range map[string]func(t *testing.T, y *yard) error{
		"Vaults.AddResources": func(t *testing.T, y *yard) error { // the server is in another vault
			poller, err := y.client.Vaults.Create(t.Context(), orchard())
			return wait(t.Context(), poller, err)
		},
		"Vaults.RemoveResources": backingUp,
		"Backups.Delete": func(t *testing.T, y *yard) error {
			_, err := y.client.Backups.Restore(t.Context(), y.backupsOf(app)[0], y.restoreOf(y.backupsOf(app)[0]))
			return err
		},
		"Vaults.Delete": backingUp,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
				y.here.AddBackups(production, 1)
				require.NoError(t, forbid(t, y))
				change := changes[name]
				if name == "Backups.Delete" {
					change = func(ctx context.Context, y *yard) error {
						poller, err := y.client.Backups.Delete(ctx, y.backupsOf(app)[0])
						return wait(ctx, poller, err)
					}
				}
				require.ErrorIs(t, change(t.Context(), y), drkit.ErrConflict)
				y.here.Inject(checkpointstest.Fault{Operation: name, Status: 502, Body: "<html>", Times: 1})
				require.ErrorIs(t, change(t.Context(), y), drkit.ErrConflict)
				assert.Equal(t, 1+2, y.here.Count(name))
				assert.Zero(t, y.here.Ran(name, ""))
			})
		})
	}
}

func backingUp(t *testing.T, y *yard) error {
	_, err := y.client.Checkpoints.Create(t.Context(), named("nightly"))
	pass(15 * time.Second)
	return err
}

// What somebody has done before the first attempt is no news that a repeat brings.
func TestFirstAttemptsThatFindTheirWorkDone(t *testing.T) {
	t.Parallel()
	bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
		add := changes["Vaults.AddResources"]
		require.NoError(t, add(t.Context(), y))
		require.ErrorIs(t, add(t.Context(), y), checkpoints.CodeServerInVault)
		y.here.Inject(checkpointstest.Fault{Operation: "Vaults.AddResources", Status: 502, Body: "<html>", Times: 1})
		require.NoError(t, add(t.Context(), y), "and after a lost answer nobody can tell")
	})
}
