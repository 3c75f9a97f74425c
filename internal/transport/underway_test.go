package transport_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// Calls that Close has ended return before it signs out, unless what they go through does not listen: then it
// goes on without them.
func TestCloseLetsCallsReturn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		late time.Duration // the return of a request, after the end of its context
		ctx  time.Duration // of Close; 0 never ends
		want time.Duration
		err  error
	}{
		"at once":                     {},
		"soon":                        {late: 200 * time.Millisecond, want: 200 * time.Millisecond},
		"as if it had not listened":   {late: time.Hour, want: time.Second},
		"later than Close may take":   {late: time.Hour, ctx: 100 * time.Millisecond, want: 100 * time.Millisecond, err: context.DeadlineExceeded},
		"before Close has to be over": {late: 50 * time.Millisecond, ctx: 100 * time.Millisecond, want: 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var client *transport.Client
				underWay := 0
				service := roundTripper(func(r *http.Request) (*http.Response, error) {
					if r.URL.Path == "/sessions" {
						if r.Method == http.MethodDelete && tc.late < time.Second {
							assert.Zero(t, underWay)
						}
						return answers(200, `{}`, "X-Token", "token-1")(r)
					}
					underWay++
					defer func() { underWay-- }()
					<-r.Context().Done()
					<-time.After(tc.late)
					return nil, r.Context().Err()
				})
				client = newClientWith(t, "https://fake.example.com", func(c *transport.Config) { withSession(&client)(c) }, drkit.WithTransport(service))
				ended := make(chan error)
				go func() { ended <- get(context.Background(), client) }()
				synctest.Wait()
				ctx := context.Background()
				if tc.ctx > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tc.ctx)
					defer cancel()
				}
				began := time.Now()
				require.ErrorIs(t, client.Close(ctx), tc.err)
				assert.Equal(t, tc.want, time.Since(began))
				require.ErrorIs(t, <-ended, drkit.ErrClosed)
				assert.Zero(t, underWay)
			})
		})
	}
}
