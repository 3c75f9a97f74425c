package transport_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// records decodes what a JSON handler has written.
func records(t *testing.T, written *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, line := range strings.Split(strings.TrimSpace(written.String()), "\n") {
		if line == "" {
			continue
		}
		var record map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		delete(record, "time")
		delete(record, "took")
		delete(record, "after")
		all = append(all, record)
	}
	return all
}

func newLogger(level slog.Level) (*slog.Logger, *bytes.Buffer) {
	var written bytes.Buffer
	return slog.New(slog.NewJSONHandler(&written, &slog.HandlerOptions{Level: level})), &written
}

func TestRecords(t *testing.T) {
	t.Parallel()
	logger, written := newLogger(slog.LevelDebug)
	type query struct {
		Limit  int    `url:"limit"`
		Cookie string `url:"cookie"`
	}
	client := newClient(t, "https://a.example.com", drkit.WithLogger(logger), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}),
		drkit.WithTransport(scripted(answers(503, "", "Retry-After", "0"), answers(200, `[]`), answers(202, `{}`), fails(errReset))))
	ctx := drkit.WithOperationID(t.Context(), "op-1")
	_, err := client.Do(ctx, transport.Call{Operation: &listThings, Query: query{5, "c00kie"}, Site: "s"}, nil)
	require.NoError(t, err)
	_, err = client.Do(ctx, transport.Call{Operation: &moveThing, Path: []string{"7"}}, nil)
	require.NoError(t, err)
	_, err = client.Do(ctx, transport.Call{Operation: &moveThing, Path: []string{"8"}}, nil)
	require.Error(t, err)

	list := map[string]any{
		"operation": "fake.Things.List", "operation_id": "op-1", "method": "GET", "path": "/things",
		"query": "cookie=[redacted]&limit=5&site=s",
	}
	move := func(id string) map[string]any {
		return map[string]any{
			"operation": "fake.Things.Move", "operation_id": "op-1", "method": "POST", "path": "/things/" + id + "/move",
		}
	}
	want := []map[string]any{
		with(list, "level", "DEBUG", "msg", "attempt", "attempt", 1.0, "status", 503.0, "content-type", "application/json", "retry-after", "0"),
		with(list, "level", "WARN", "msg", "sending again", "attempt", 2.0, "status", 503.0,
			"error", "fake.Things.List: 503: the answer is not the service's own (application/json) (GET /things, operation ID op-1)"),
		with(list, "level", "DEBUG", "msg", "attempt", "attempt", 2.0, "status", 200.0, "content-type", "application/json"),
		with(move("7"), "level", "DEBUG", "msg", "attempt", "attempt", 1.0, "status", 202.0, "content-type", "application/json"),
		with(move("7"), "level", "INFO", "msg", "operation", "attempts", 1.0, "outcome", "accepted", "status", 202.0),
		with(move("8"), "level", "DEBUG", "msg", "attempt", "attempt", 1.0, "error", "connection reset by peer"),
		with(move("8"), "level", "INFO", "msg", "operation", "attempts", 1.0, "outcome", "unknown",
			"error", "fake.Things.Move: sent, but the outcome is unknown: connection reset by peer (POST /things/8/move, operation ID op-1)"),
	}
	assert.Equal(t, want, records(t, written))
}

func with(base map[string]any, more ...any) map[string]any {
	all := map[string]any{}
	for k, v := range base {
		all[k] = v
	}
	for i := 0; i+1 < len(more); i += 2 {
		all[fmt.Sprint(more[i])] = more[i+1]
	}
	return all
}

func TestOneInfoRecordForEachOperationThatMustNotRepeat(t *testing.T) {
	t.Parallel()
	for outcome, network := range map[string]*script{
		"accepted": scripted(neverConnects, answers(202, `{}`)),
		"refused":  scripted(answers(409, `{"code":"InUse"}`)),
		"unknown":  scripted(answers(500, `{"code":"Oops"}`)),
		"not sent": scripted(neverConnects),
	} {
		t.Run(outcome, func(t *testing.T) {
			t.Parallel()
			logger, written := newLogger(slog.LevelInfo)
			client := newClient(t, "https://a.example.com", drkit.WithLogger(logger), drkit.WithTransport(network),
				drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))
			_ = move(t.Context(), client)
			assert.Equal(t, []any{outcome}, outcomes(t, written))
		})
	}
}

// Nothing secret shows, whatever a server or a proxy echoes.
func TestNoSecretShows(t *testing.T) {
	t.Parallel()
	const password, token = "correct horse battery", "dG9r+ZW4/PQ=="
	echo := fmt.Sprintf(`{"code":"Bad","msg":"you sent %s with %s"}`, password, token)
	for name, fault := range map[string]func(int) *script{
		"error":    func(status int) *script { return scripted(answers(status, echo)) },
		"not ours": func(status int) *script { return scripted(answers(status, "<html>"+echo)) },
		"network":  func(int) *script { return scripted(fails(errors.New("proxy says: " + echo))) },
		"redirect": func(int) *script { return scripted(answers(302, echo, "Location", "https://x.example.com/?t="+token)) },
		"success":  func(int) *script { return scripted(answers(200, echo, "X-Token", token)) },
	} {
		for _, status := range []int{400, 401, 403, 409, 429, 500, 503} {
			t.Run(fmt.Sprintf("%s/%d", name, status), func(t *testing.T) {
				t.Parallel()
				logger, written := newLogger(slog.LevelDebug)
				client := newClientWith(t, "https://a.example.com", func(c *transport.Config) {
					c.Session.Token = drkit.NewSecret(token)
					c.Secrets = []drkit.Secret{drkit.NewSecret(password)}
				}, drkit.WithTransport(fault(status)), drkit.WithLogger(logger), drkit.WithRetry(drkit.RetryPolicy{Attempts: 2, MinWait: 1, MaxWait: 1}))
				type query struct {
					Cookie string `url:"cookie"`
				}
				for _, call := range []transport.Call{
					{Operation: &readThing, Path: []string{"7"}, Query: query{password}},
					{Operation: &moveThing, Path: []string{"7"}, Body: map[string]string{"password": password}},
				} {
					_, err := client.Do(drkit.OnResponse(t.Context(), func(r drkit.Response) {
						assertNoSecret(t, fmt.Sprintf("%#v %s", r, r.Body), password, token)
					}), call, nil)
					assertNoSecret(t, fmt.Sprintf("%v %+v %#v %q", err, err, err, err), password, token)
					for inner := err; inner != nil; inner = errors.Unwrap(inner) {
						assertNoSecret(t, fmt.Sprintf("%#v", inner), password, token)
					}
					logger.Error("failed", "error", err)
				}
				assertNoSecret(t, written.String(), password, token)
			})
		}
	}
}

func assertNoSecret(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		assert.NotContains(t, text, secret)
	}
}

// outcomes returns what the Info records say of operations that must not repeat.
func outcomes(t *testing.T, written *bytes.Buffer) []any {
	t.Helper()
	var told []any
	for _, record := range records(t, written) {
		if record["level"] == "INFO" && record["msg"] == "operation" {
			told = append(told, record["outcome"])
		}
	}
	return told
}
