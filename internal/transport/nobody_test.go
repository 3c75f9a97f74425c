package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// A server that sees its caller hang up may end the answer there, and an empty success comes after all: it is no proof
// that anything was done, nor a file of no bytes. What is said on purpose, and anything with content, counts.
func TestAnswerToNobody(t *testing.T) {
	t.Parallel()
	reason := errors.New("the user has had enough")
	ends := map[string]struct {
		end func(*transport.Client, context.CancelCauseFunc)
		is  error
	}{
		"canceled":  {func(_ *transport.Client, cancel context.CancelCauseFunc) { cancel(reason) }, context.Canceled},
		"closed":    {func(client *transport.Client, _ context.CancelCauseFunc) { go client.Close(context.Background()) }, drkit.ErrClosed},
		"timed out": {func(*transport.Client, context.CancelCauseFunc) {}, drkit.ErrUnavailable},
	}
	for name, tc := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for call, does := range map[string]struct {
				do      func(context.Context, *transport.Client) error
				unknown bool
			}{
				"read": {do: func(ctx context.Context, client *transport.Client) error {
					_, err := client.Do(ctx, transport.Call{Operation: &readThing, Path: []string{"7"}}, new(thing))
					return err
				}},
				"replaceable": {do: func(ctx context.Context, client *transport.Client) error {
					_, err := client.Do(ctx, transport.Call{Operation: &replaceThing, Path: []string{"7"}, Body: thing{}}, nil)
					return err
				}},
				"once": {move, true},
				"download": {do: func(ctx context.Context, client *transport.Client) error {
					_, err := client.Download(ctx, transport.Call{Operation: &getFile, Path: []string{"7"}}, nil,
						[]drkit.DownloadOption{drkit.ToWriter(io.Discard)})
					return err
				}},
			} {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					var client *transport.Client
					network := roundTripper(func(req *http.Request) (*http.Response, error) {
						tc.end(client, cancel)
						<-req.Context().Done()
						return answers(200, "")(req)
					})
					client = newClient(t, "https://appliance.example.com", drkit.WithTransport(network),
						drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}), drkit.WithTimeout(time.Second))
					err := does.do(ctx, client)
					require.ErrorIs(t, err, tc.is, call)
					assert.Equal(t, does.unknown, errors.Is(err, drkit.ErrOutcomeUnknown), "%s: %v", call, err)
				})
			}
			for _, honest := range []func(*http.Request) (*http.Response, error){answers(204, ""), answers(200, `{"id":"7"}`), answers(202, "")} {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					var client *transport.Client
					client = newClient(t, "https://appliance.example.com", drkit.WithTimeout(time.Second),
						drkit.WithTransport(roundTripper(func(req *http.Request) (*http.Response, error) {
							tc.end(client, cancel)
							<-req.Context().Done()
							return honest(req)
						})))
					require.NoError(t, move(ctx, client))
				})
			}
		})
	}
}
