package vcav_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// A context that has ended before the call sends nothing, so nothing is unknown.
func TestDeadContextSendsNothing(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	t.Cleanup(server.Close)
	client, err := vcav.NewClient(server.URL, vcav.Token(drkit.NewSecret(givenToken)), drkit.WithTransport(server.Client().Transport))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.VMReplications.Failover(ctx, "C4-1", vcav.CloudFailover{})
	require.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	t.Log(err)
	assert.Zero(t, seen.Load())
}
