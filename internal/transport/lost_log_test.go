package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// Each operation leaves one Info record of its life, and one that is found a Warn record beside it.
func TestRecordsOfLostOperations(t *testing.T) {
	t.Parallel()
	operation := map[string]any{
		"level": "INFO", "msg": "operation", "operation": "fake.Things.Move", "operation_id": opMove,
		"method": "POST", "path": "/things/7/move", "attempts": 1.0, "resource": "thing 7", "noted": 2.0,
	}
	found := map[string]any{
		"level": "WARN", "msg": "lost operation found", "operation": "fake.Things.Move", "operation_id": opMove,
		"resource": "thing 7", "task": "job-3", "settled_by_resource": false,
	}
	for name, tc := range map[string]struct {
		lost fault
		want []map[string]any
	}{
		"accepted": {nil, []map[string]any{with(operation, "outcome", "accepted", "status", 202.0)}},
		"adopted":  {answerLost, []map[string]any{found, with(operation, "outcome", "adopted")}},
		"adopted after an answer of no use": {
			func(req *request, do doer) (*response, error) {
				_, _ = do()
				return answers(500, `{"code":"Oops"}`)(req)
			},
			[]map[string]any{found, with(operation, "outcome", "adopted", "status", 500.0)},
		},
		"settled by the thing": {
			func(req *request, do doer) (*response, error) {
				_, _ = do()
				return losesConnectionAfter(req, 2*time.Second)
			},
			[]map[string]any{with(found, "task", "", "settled_by_resource", true), with(operation, "outcome", "adopted")},
		},
		"refused": {
			says(409, `{"code":"InUse","msg":"no"}`),
			[]map[string]any{with(operation, "outcome", "refused", "status", 409.0,
				"error", "fake.Things.Move: 409 InUse: no (POST /things/7/move, operation ID op-things.move)")},
		},
		"unknown": {
			requestLost,
			[]map[string]any{with(operation, "outcome", "unknown", "error", "fake.Things.Move: sent, but the outcome is unknown for thing 7: "+
				"connection reset by peer: no task came of it so far, and nothing there has changed (POST /things/7/move, operation ID op-things.move)")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				past := time.Now().Add(-time.Hour)
				y.add(job{ID: "job-1", Kind: "carry", Thing: "7", User: "ops", Started: past, Ended: past})
				y.add(job{ID: "job-2", Kind: "carry", Thing: "7", User: "ann", Started: past, Ended: past})
				y.places["7"] = "here"
				y.breaks("move", func(req *request, do doer) (*response, error) {
					if tc.lost == nil {
						return do()
					}
					return tc.lost(req, do)
				})
				y.breaks("jobs", nil)
				if name == "settled by the thing" {
					y.breaks("jobs", again(100, says(200, `[]`))...)
				}
				logger, written := newLogger(slog.LevelInfo)
				_, _ = y.move(t.Context(), y.client(t, drkit.WithLogger(logger)))
				assert.Equal(t, tc.want, records(t, written))
			})
		})
	}
}

// losesConnectionAfter is losesConnection where the work has the time to be done.
func losesConnectionAfter(req *request, d time.Duration) (*response, error) {
	<-time.After(d)
	return losesConnection(req)
}

// Nothing secret shows in what is said of a lost operation, whatever the service and a proxy echo.
func TestNoSecretOfLostOperationsShows(t *testing.T) {
	t.Parallel()
	const password, token = "correct horse battery", "dG9r+ZW4/PQ=="
	echo := fmt.Sprintf(`{"code":"Oops","msg":"you sent %s with %s"}`, password, token)
	noise := func(*request, doer) (*response, error) { return nil, errors.New("proxy says: " + echo) }
	for name, plan := range map[string]func(y *yard){
		"in the note":   func(y *yard) { y.breaks("jobs", again(4, noise)...) },
		"in the answer": func(y *yard) { y.breaks("move", says(500, echo)) },
		"in the look": func(y *yard) {
			y.breaks("move", func(req *request, do doer) (*response, error) {
				y.breaks("jobs", again(10000, noise)...)
				return requestLost(req, do)
			})
		},
		"in a look that ends": func(y *yard) {
			y.breaks("move", func(req *request, do doer) (*response, error) {
				y.breaks("jobs", says(403, echo))
				return requestLost(req, do)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				plan(y)
				logger, written := newLogger(slog.LevelDebug)
				client := newClientWith(t, "https://a.example.com", func(c *transport.Config) {
					c.Session.Token = drkit.NewSecret(token)
					c.Secrets = []drkit.Secret{drkit.NewSecret(password)}
				}, drkit.WithTransport(y), drkit.WithLogger(logger), drkit.WithPolling(polling))
				_, err := y.start(t.Context(), client, &moveThing, "7", map[string]string{"password": password})
				require.Error(t, err)
				_, again := drkit.Recover[string](context.Background(), err)
				for _, err := range []error{err, again} {
					assertNoSecret(t, fmt.Sprintf("%v %+v %q", err, err, err), password, token)
					assert.NotContains(t, err.Error(), "\n")
					var unknown *drkit.OutcomeUnknownError
					if errors.As(err, &unknown) {
						data, jsonErr := json.Marshal(unknown.LogValue().Resolve().Any())
						require.NoError(t, jsonErr)
						assertNoSecret(t, string(data), password, token)
						unknown.Lost = nil // its own memory holds the body
						assertNoSecret(t, fmt.Sprintf("%#v", unknown), password, token)
					}
				}
				assertNoSecret(t, written.String(), password, token)
			})
		})
	}
}
