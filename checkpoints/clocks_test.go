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

// shifted is the clock of a cloud that is so much ahead of the client's.
type shifted time.Duration

// Now returns the time there.
func (s shifted) Now() time.Time { return time.Now().Add(time.Duration(s)) }

// Sleep returns when so much time has passed.
func (s shifted) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A client's clock may be wrong by half a day, and times be spelled in any way and zone: the same requests go out, the
// same comes of them, lost answers are found, and waits end at the same moment.
func TestWrongClocksChangeNothing(t *testing.T) {
	t.Parallel()
	for _, flavour := range []checkpointstest.Flavour{checkpointstest.OpenTelekomCloud, checkpointstest.HuaweiCloud} {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, clock := range []time.Duration{0, 14 * time.Hour, -14 * time.Hour} {
				for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 14*3600), time.FixedZone("", -12*3600)} {
					bubble(t, flavour, func(t *testing.T, y *yard) {
						got := aDaysWork(t, y)
						if want == nil {
							want = got
						}
						assert.Equal(t, want, got, "%s %s", clock, zone)
					}, checkpointstest.UseClock(shifted(clock)), checkpointstest.TimesIn(zone), twoVaults())
				}
			}
		})
	}
}

// aDaysWork does a bit of everything, with answers that are lost and with tasks of others, and returns what was asked.
func aDaysWork(t *testing.T, y *yard) []string {
	t.Helper()
	began := time.Now()
	for range 2 {
		y.loses("Checkpoints.Create")
		made, err := y.client.Checkpoints.Create(t.Context(), named("nightly"))
		require.NoError(t, err)
		assert.True(t, made.Adopted())
		backedUp, err := made.Wait(t.Context())
		require.NoError(t, err)
		require.NoError(t, backedUp.Err())

		y.loses("Checkpoints.Replicate")
		copies, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		copied, err := copies.Wait(t.Context())
		require.NoError(t, err)
		require.NoError(t, copied.Err())
		assert.Len(t, copied.Copies, 2)

		y.loses("Backups.Restore")
		backup := backedUp.Backups[1].BackupID
		restored, err := y.client.Backups.Restore(t.Context(), backup, y.restoreOf(backup))
		require.NoError(t, err)
		_, err = restored.Wait(t.Context())
		require.NoError(t, err)
		pass(3 * time.Hour)
	}
	y.loses("Vaults.Create")
	vault, err := y.client.Vaults.Create(t.Context(), orchard())
	require.NoError(t, err)
	_, err = vault.Wait(t.Context())
	require.NoError(t, err)

	y.here.Inject(checkpointstest.Fault{Operation: "Backups.Replicate", Drop: true, Times: 1})
	_, err = y.client.Backups.Replicate(t.Context(), y.backupsOf(app)[0], y.oneElsewhere())
	var unknown *drkit.OutcomeUnknownError
	require.ErrorAs(t, err, &unknown)
	assert.True(t, unknown.Untouched)

	token, err := undertakings()[1].token(t.Context(), y)
	require.NoError(t, err)
	resumed, err := checkpoints.Resume[checkpoints.ReplicationResult](y.client, token)
	require.NoError(t, err)
	_, err = resumed.Wait(t.Context())
	require.NoError(t, err)
	assert.InDelta(t, (6*time.Hour + 12*time.Minute).Minutes(), time.Since(began).Minutes(), 5)
	return kinds(y)
}

// kinds are the requests in their order, one of several alike in a row: how many looks a wait takes is left to chance.
func kinds(y *yard) []string {
	var kinds []string
	for _, request := range y.here.Requests() {
		if len(kinds) == 0 || kinds[len(kinds)-1] != request.Operation {
			kinds = append(kinds, request.Operation)
		}
	}
	return kinds
}
