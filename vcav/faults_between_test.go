package vcav_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// TestSomebodyElseIsQuickBetweenTwoReads lets another user's failover begin and end between two reads of a look
// for a failover that never arrived: it must not be taken for that one.
func TestSomebodyElseIsQuickBetweenTwoReads(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]string{
		"before the replication is read": "/vm-replications/",
		"before the tasks are read":      "/tasks",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := vcavtest.NewServer(t, vcavtest.InMemory(), vcavtest.SSOUser("bob", "bob's password"))
				bob, err := vcav.NewClient(server.URL, vcav.SSO("bob", drkit.NewSecret("bob's password")), server.Options()...)
				require.NoError(t, err)
				id, began, acted := vcavtest.ReplicationID("db-1"), time.Now(), false
				between := func(next http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						if !acted && time.Since(began) >= time.Minute && r.Method == http.MethodGet && strings.Contains(r.URL.Path, read) {
							acted = true
							poller, err := bob.VMReplications.Failover(t.Context(), id, vcav.CloudFailover{})
							end(t, poller, err)
						}
						return next.RoundTrip(r)
					})
				}
				client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)),
					append(server.Options(), drkit.WithMiddleware(between), drkit.WithPolling(drkit.PollPolicy{Grace: time.Minute}))...)
				require.NoError(t, err)
				server.Inject(vcavtest.Fault{Operation: failover, Drop: true, Times: 1})

				_, err = client.VMReplications.Failover(t.Context(), id, vcav.CloudFailover{})
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				require.True(t, acted)
				assert.False(t, unknown.Untouched)
				require.Len(t, unknown.Candidates, 1)
				assert.Contains(t, unknown.Candidates[0], "started by bob")
				for _, client := range []*vcav.Client{client, bob} {
					require.NoError(t, client.Close(context.WithoutCancel(t.Context())))
				}
				server.Close()
			})
		})
	}
}
