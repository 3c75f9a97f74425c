package checkpoints_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/internal/wiretest"
)

// scripted is a round tripper that gives one answer to all requests. Fuzzing runs one input at a time.
type scripted struct {
	status int
	body   []byte
	sent   int
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	const runaway = 20 // more requests of one call are too many
	if s.sent++; s.sent > runaway {
		return nil, errors.New("the service has had enough")
	}
	return &http.Response{
		StatusCode: s.status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(s.body)), ContentLength: int64(len(s.body)),
	}, nil
}

func fuzzed(f *testing.F) (*scripted, *checkpoints.Client) {
	f.Helper()
	network := &scripted{}
	return network, newClient(f, region, drkit.WithTransport(network), drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))
}

// seed adds the samples of a kind, and what is not one.
func seed(f *testing.F, kind string, add func([]byte)) {
	f.Helper()
	for _, name := range wiretest.Names(f, samplesDir) {
		if strings.Contains(name, kind) {
			var small bytes.Buffer
			require.NoError(f, json.Compact(&small, []byte(testdata(f, name))))
			add(small.Bytes())
		}
	}
	for _, body := range []string{
		"", "null", "{}", "[]", `""`, "0", "{", "<html>", "\xff", `{"vault":null}`, `{"vault":{"id":7}}`, `{"vaults":[{}],"count":-1}`,
		`{"vaults":[{"id":"a"},{"id":"a"}],"count":1e3}`, `{"operation_log":{"id":"t","created_at":"2020-01-08 09:59:49"}}`,
		`{"resources":[{"resource_id":"a","resource_detail":{"vault":{}}}],"total_count":"2"}`, `{"tags":[{"values":"a"}]}`,
		`{"error":{"code":1e9}}`, `{"unauthorized":{"code":"401","message":"Malformed request url"}}`,
	} {
		add([]byte(body))
	}
}

// Whatever the service answers, a call returns a value or an error, after a bounded number of requests.
func FuzzAnswers(f *testing.F) {
	network, client := fuzzed(f)
	calls := wireCases()
	operation := 0
	seed(f, ".answer", func(body []byte) { f.Add(uint8(operation%len(calls)), body); operation++ })
	for i, tc := range calls {
		if tc.answer != "" {
			f.Add(uint8(i), []byte(testdata(f, tc.answer)))
		}
		f.Add(uint8(i), []byte(`{"resources":[{"resource_id":"a","resource_detail":{"vault":{}}}],"total_count":"2"}`))
	}
	// A list that gives the same row on each page is read four times, each time two pages that overlap, and one that does not.
	const most = 4 * 3
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		tc := calls[int(which)%len(calls)]
		*network = scripted{status: operationOf(tc.operation).Statuses[0], body: body}
		_, err := tc.call(t.Context(), t, client)
		if err == nil && tc.answer != "" && tc.operation != "Backups.Restore" {
			assert.True(t, json.Valid(body), "%s: %q", tc.name(), body)
		}
		assert.LessOrEqual(t, network.sent, most, tc.name())
	})
}

// An error answer is an error, whatever is in it, and prints on one line.
func FuzzErrors(f *testing.F) {
	network, client := fuzzed(f)
	seed(f, "error", func(body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, status := range []int{400, 401, 404, 500} {
			*network = scripted{status: status, body: body}
			_, err := client.Vaults.Get(t.Context(), vaultID)
			answer := answerOf(t, err)
			assert.Equal(t, status, answer.Status)
			assert.NotContains(t, err.Error(), "\n")
			assert.NotContains(t, err.Error(), givenToken)
		}
	})
}

// A time that was read is written so that it reads as the same time.
func FuzzTime(f *testing.F) {
	for _, text := range []string{
		`"2020-02-05T10:38:34.209782"`, `"2019-05-10T07:59:12.733+00:00"`, `"2020-02-23T01:00:32Z"`, `"2020-01-08 09:59:49"`,
		`"2020-01-08T17:59:49+08:00"`, `""`, `null`, `"9999-12-31T23:59:59.999999999Z"`, `"0001-01-01T00:00:00Z"`, `"2020-01-08 09:59:49z"`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var read, again checkpoints.Time
		if json.Unmarshal([]byte(text), &read) != nil || read.Year() > 9999 || read.Year() < 0 {
			return
		}
		written, err := json.Marshal(read)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(written, &again))
		assert.True(t, read.Equal(again.Time), "%s became %s", text, written)
	})
}

// A rule that was read is written so that it reads as the same rule, and its own check agrees.
func FuzzPattern(f *testing.F) {
	for _, text := range []string{
		"FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=14;BYMINUTE=00", "FREQ=DAILY;INTERVAL=2;BYHOUR=6;BYMINUTE=30", "", ";", "FREQ=", "BYDAY=,",
		"FREQ=DAILY;BYHOUR=23,0;BYMINUTE=59", "FREQ=DAILY;BYDAY=SU;BYHOUR=1;BYMINUTE=0;INTERVAL=65535",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, err := checkpoints.Pattern(text).Recurrence()
		if err != nil {
			require.Error(t, checkpoints.CheckPatterns([]checkpoints.Pattern{checkpoints.Pattern(text)}))
			return
		}
		written, err := read.Pattern()
		require.NoError(t, err)
		again, err := written.Recurrence()
		require.NoError(t, err)
		rewritten, err := again.Pattern()
		require.NoError(t, err)
		assert.Equal(t, written, rewritten)
		one, other := checkpoints.CheckPatterns([]checkpoints.Pattern{checkpoints.Pattern(text)}), checkpoints.CheckPatterns([]checkpoints.Pattern{written})
		assert.Equal(t, one == nil, other == nil)
	})
}
