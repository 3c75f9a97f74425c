package unitrends_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// scripted is a round tripper that gives one answer to all requests. Fuzzing runs one input at a time.
type scripted struct {
	status int
	body   []byte
	sent   int
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	s.sent++
	return &http.Response{
		StatusCode: s.status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(s.body)), ContentLength: int64(len(s.body)),
	}, nil
}

func fuzzed(f *testing.F) (*scripted, *unitrends.Client) {
	f.Helper()
	network := &scripted{}
	client, err := unitrends.NewClient(appliance, unitrends.Token(drkit.NewSecret(givenToken)),
		drkit.WithTransport(network), drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}),
		drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Nanosecond})) // a first look that finds the end looks again
	require.NoError(f, err)
	return network, client
}

// seed adds samples, and what is none.
func seed(f *testing.F, names []string, add func(body []byte)) {
	f.Helper()
	for _, name := range names {
		var short bytes.Buffer // shorter inputs are minimized sooner
		require.NoError(f, json.Compact(&short, []byte(testdata(f, name))))
		add(short.Bytes())
	}
	for _, body := range []string{
		"", "null", "{}", "[]", `""`, "0", "true", "{", "<html>", "\xff", `{"result":null}`, `{"result":[[]]}`, `{"result":[null]}`,
		`{"result":{"code":{}}}`, `{"result":[{"message":"a\nb\u2028c","link":null}]}`, `{"result":"\u0000"}`, `[{"message":1e400}]`,
		`{"appliance":[{"id":[],"local":"TRUE"}]}`, `{"appliance":{"id":1e3,"is_pending":2}}`, `{"active":{},"inactive":"x"}`,
		`{"active":[{"id":1,"percent_complete":true}],"inactive":[{"size":"1e3","queue_position":-0.0}]}`,
	} {
		add([]byte(body))
	}
}

// Whatever a service answers with a result: an error is one line, and what must not repeat is settled only by a
// refusal in the service's own words; a success is one, or its answer cannot be used.
func FuzzResult(f *testing.F) {
	network, client := fuzzed(f)
	for _, code := range []int{200, 201, 400, 401, 404, 408, 409, 429, 500, 503, 599} {
		seed(f, []string{"error", "error_conflict", "config_update.answer"}, func(body []byte) { f.Add(code, body) })
	}
	f.Fuzz(func(t *testing.T, code int, body []byte) {
		code = 200 + (code%400+400)%400
		network.status, network.body, network.sent = code, body, 0
		said, changeErr := client.Config.Update(t.Context(), unitrends.ConfigUpdate{})
		require.Equal(t, 1, network.sent)
		_, err := client.Sources.Accept(wire(t), "41", unitrends.Acceptance{})
		require.Equal(t, 2, network.sent)
		require.Equal(t, changeErr == nil, err == nil)
		if err == nil {
			for _, detail := range said {
				_ = detail.String()
			}
			return
		}
		require.True(t, isOneLine(err.Error()), "%q", err.Error())
		require.Empty(t, said)
		answer := answerOf(t, err)
		settled := code >= 400 && code < 500 && code != 401 && code != 408 && code != 429 && !answer.Foreign
		require.Equal(t, !settled, errors.Is(err, drkit.ErrOutcomeUnknown), "%d %q", code, answer.Message)
	})
}

// Whatever a service answers in the place of a queue: it is an error, or a queue that survives being written and
// read again.
func FuzzQueue(f *testing.F) {
	network, client := fuzzed(f)
	seed(f, []string{"queue_get.answer", "queue_inactive.answer", "queue_active.answer"}, func(body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, body []byte) {
		queue := func(body []byte) (unitrends.ReplicationQueue, error) {
			network.status, network.body = 200, body
			return client.Queue.Get(t.Context())
		}
		first, err := queue(body)
		if err != nil {
			require.True(t, isOneLine(err.Error()), "%q", err.Error())
			return
		}
		for _, job := range first.Active {
			require.GreaterOrEqual(t, job.Percent(), 0)
			require.LessOrEqual(t, job.Percent(), 100)
		}
		again, err := json.Marshal(first)
		require.NoError(t, err)
		second, err := queue(again)
		require.NoError(t, err, "%s", again)
		twice, err := json.Marshal(second)
		require.NoError(t, err)
		require.Equal(t, string(again), string(twice))

		network.sent = 0
		poller := client.Queue.Drained("ledger-db")
		_, _ = poller.Poll(t.Context())
		require.LessOrEqual(t, network.sent, 3) // two looks, and the history
	})
}

// Whatever a service answers in the place of its systems: it is an error, or systems that survive being written and
// read again, and a decision on a request has either settled or not.
func FuzzSystems(f *testing.F) {
	network, client := fuzzed(f)
	seed(f, []string{"systems_list.answer", "sources_pending.answer"}, func(body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, body []byte) {
		systems := func(body []byte) ([]unitrends.System, error) {
			network.status, network.body = 200, body
			return client.Systems.List(t.Context(), unitrends.SystemQuery{})
		}
		first, err := systems(body)
		if err != nil {
			require.True(t, isOneLine(err.Error()), "%q", err.Error())
			return
		}
		again, err := json.Marshal(map[string]any{"appliance": first})
		require.NoError(t, err)
		second, err := systems(again)
		require.NoError(t, err, "%s", again)
		require.Len(t, second, len(first))
		for i, system := range second {
			require.Equal(t, first[i].Replicates(), system.Replicates())
		}
		poller, err := client.Sources.Accept(wire(t), "41", unitrends.Acceptance{})
		if err != nil { // that answer is none to a decision
			require.True(t, isOneLine(err.Error()), "%q", err.Error())
			return
		}
		network.body = again
		for range 2 {
			if _, err := poller.Poll(t.Context()); err != nil {
				require.True(t, isOneLine(err.Error()), "%q", err.Error())
			}
		}
	})
}
