package vcav_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func TestOnceSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := vcavtest.NewServer(t, vcavtest.InMemory())
		client, err := vcav.NewClient(srv.URL, vcav.LocalUser(srv.User, drkit.NewSecret(srv.Password)), srv.Options()...)
		require.NoError(t, err)
		defer client.Close(t.Context())
		id := srv.Replications()[0].ID
		path := filepath.Join(t.TempDir(), "j")
		journal, err := drkit.OpenFileJournal(path)
		require.NoError(t, err)
		run := func() (*drkit.Poller[vcav.VMReplication], error) {
			return drkit.Once(t.Context(), journal, "failover", func(ctx context.Context) (*drkit.Poller[vcav.VMReplication], error) {
				return client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
			})
		}
		srv.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", Drop: true, Times: 1})
		_, err = run()
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		t.Log(err)
		poller, err := run()
		require.NoError(t, err)
		require.NoError(t, journal.Close())
		journal, err = drkit.OpenFileJournal(path)
		require.NoError(t, err)
		poller, err = run()
		require.NoError(t, err)
		done, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, id, done.ID)
		require.NoError(t, journal.Close())
		journal, err = drkit.OpenFileJournal(path)
		require.NoError(t, err)
		poller, err = run()
		require.NoError(t, err)
		again, err := poller.Result()
		require.NoError(t, err)
		assert.Equal(t, done, again)
		steps, _ := journal.Steps(t.Context())
		for _, s := range steps {
			t.Logf("%s %s %s %d %s", s.Key, s.State, s.Operation, s.Sent, s.Token)
		}
		assert.Equal(t, 1, srv.Ran("VMReplications.Failover", id))
		require.NoError(t, journal.Close())
		_ = errors.New
	})
}
