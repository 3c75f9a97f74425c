package unitrends_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// roundTripper is a middleware.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// An order is read, changed and sent back: what was not changed stays, also what this version of drkit does not know.
func TestFlowOfAnOrder(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]unitrendstest.Option{
		"as documented":   nil,
		"numbers as text": {unitrendstest.NumbersAsText()},
		"single elements": {unitrendstest.SingleElements()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inFlow(t, func(t *testing.T, f flow) {
				_, target := f.pair.Connect()
				f.pair.Source.HoldCopies(true)
				wanted := f.order(idOf(target))
				wanted.Instances = wanted.Instances[:1]
				wanted.Extra = map[string]json.RawMessage{"email_report": json.RawMessage(`"nobody"`)}
				created, err := f.source.JobOrders.Create(t.Context(), wanted)
				order, err := f.source.JobOrders.Get(t.Context(), ended(t, created, err).ID)
				require.NoError(t, err)
				require.Len(t, order.Instances, 1)
				assert.Equal(t, drkit.Some("db-1"), order.Instances[0].Name)

				var sent []byte
				editor := signIn(t, f.pair.Source, f.pair.Source.User, f.pair.Source.Password, drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						if r.Method == http.MethodPut {
							body, err := r.GetBody()
							if assert.NoError(t, err) {
								sent, _ = io.ReadAll(body)
							}
						}
						return next.RoundTrip(r)
					})
				}))
				order.Name = "weekly"
				order.Instances = append(order.Instances, unitrends.JobInstance{ID: f.asset("web-1")})
				_, err = editor.JobOrders.Update(t.Context(), order)
				require.NoError(t, err)
				var wire struct {
					ID        int
					Instances []struct{ ID int }
				}
				require.NoError(t, json.Unmarshal(sent, &wire), "numbers, however they came: %s", sent)
				assert.Len(t, wire.Instances, 2)
				after, err := f.source.JobOrders.Get(t.Context(), order.ID)
				require.NoError(t, err)
				assert.Equal(t, "weekly", after.Name)
				assert.Len(t, after.Instances, 2)
				assert.Equal(t, order.Extra, after.Extra)
				assert.JSONEq(t, `"nobody"`, string(after.Extra["email_report"]))
				assert.Equal(t, []string{"weekly"}, f.pair.Source.Audit().Orders)
			}, options...)
		})
	}
}
