package transport_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// One timer serves all attempts, and yet each ends at its own time.
func TestEachAttemptHasItsOwnLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/things/quick" {
				return answers(200, `{"id":"1"}`)(req)
			}
			return stalls(req)
		})
		client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network), drkit.WithTimeout(10*time.Second),
			drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				<-time.After(time.Duration(i*i) * 100 * time.Millisecond)
				began, id := time.Now(), "slow"
				if i%3 == 0 {
					id = "quick"
				}
				_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{id}}, nil)
				if id == "quick" {
					assert.NoError(t, err)
					assert.Zero(t, time.Since(began))
					return
				}
				assert.ErrorIs(t, err, drkit.ErrUnavailable)
				assert.Equal(t, 10*time.Second, time.Since(began))
			})
		}
		all.Wait()
	})
}

// drip is a body that gives one byte after each pause, and at last stalls until its request ends.
type drip struct {
	ctx    context.Context
	pauses []time.Duration
}

func (d *drip) Read(p []byte) (int, error) {
	if len(d.pauses) == 0 {
		<-d.ctx.Done()
		return 0, d.ctx.Err()
	}
	select {
	case <-time.After(d.pauses[0]):
		d.pauses = d.pauses[1:]
		p[0] = 'x'
		return 1, nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

func (*drip) Close() error { return nil }

func TestLimitOfADownloadIsThatOfEachPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := answers(200, "")(req)
			resp.Body = &drip{req.Context(), []time.Duration{2e9, 2e9, 2e9, 2e9, 2e9}}
			return resp, err
		})
		client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network), drkit.WithTimeout(3*time.Second))
		body, _, err := client.Stream(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}})
		require.NoError(t, err)
		began := time.Now()
		data, err := io.ReadAll(body)
		require.ErrorContains(t, err, "3s")
		require.NotErrorIs(t, err, context.Canceled)
		assert.Len(t, data, 5)
		assert.Equal(t, 13*time.Second, time.Since(began))
		require.NoError(t, body.Close())

		ctx, cancel := context.WithCancel(t.Context())
		body, _, err = client.Stream(ctx, transport.Call{Operation: &readThing, Path: []string{"7"}})
		require.NoError(t, err)
		time.AfterFunc(time.Second, cancel)
		_, err = io.ReadAll(body)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, body.Close())
	})
}
