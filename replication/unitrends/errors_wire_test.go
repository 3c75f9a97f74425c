package unitrends_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// The sample request of the vendor's page, byte for byte, its 201 and its 500 with a result.
func TestSampleOfTheVendor(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("POST", "/api/replication/source", answer(t, 201, ""), answer(t, 500, "error"))
	client := s.client()
	poller, err := client.Sources.Accept(wire(t), "3", unitrends.Acceptance{})
	require.NoError(t, err)
	assert.Equal(t, "replication request 3", poller.ID())
	assert.Equal(t, `{"request_id":3,"accept":true}`, s.Only().Body)
	assert.Equal(t, "POST /api/replication/source", s.Only().Line)

	_, err = client.Sources.Accept(wire(t), "3", unitrends.Acceptance{})
	said := answerOf(t, err)
	assert.Equal(t, http.StatusInternalServerError, said.Status)
	assert.Equal(t, "There is no request 41. https://kb.example.com/a/3310", said.Message)
	assert.False(t, said.Foreign)
	assert.Len(t, s.Lines(), 2, "a refusal is not sent again")
}

// A result in all its shapes, as the service is known or feared to write it.
func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body    string
		code    string
		message string
		args    []string
		foreign bool
	}{
		"an array":     {testdata(t, "error"), "7103", "There is no request 41. https://kb.example.com/a/3310", []string{"request=41"}, false},
		"an object":    {`{"result":{"code":"E-7","message":"No."}}`, "E-7", "No.", nil, false},
		"no code":      {`{"result":[{"message":"No."}]}`, "", "No.", nil, false},
		"code 0":       {`{"result":[{"code":0,"message":"No."},{"code":4}]}`, "4", `No.; {"code":4}`, nil, false},
		"another link": {`{"result":[{"message":"No.","kb":"http://kb/1"}]}`, "", "No. http://kb/1", []string{`kb="http://kb/1"`}, false},
		"other keys": {
			`{"result":[{"text":"No.","detail":{"a":1}}]}`, "", `{"detail":{"a":1},"text":"No."}`,
			[]string{`detail={"a":1}`, `text="No."`},
			false,
		},
		"text":               {`{"result":"No."}`, "", "No.", nil, false},
		"texts":              {`{"result":["No.","Never."]}`, "", "No.; Never.", nil, false},
		"a truth value":      {`{"result":false}`, "", "false", nil, false},
		"nothing in it":      {`{"result":[],"more":1}`, "", `{"result":[],"more":1}`, nil, false},
		"null":               {`{"result":null}`, "", `{"result":null}`, nil, false},
		"beside others":      {`{"data":1,"result":[{"message":"a\nb"}]}`, "", "a\nb", nil, false},
		"a number for text":  {`{"result":[{"message":7}]}`, "", `{"result":[{"message":7}]}`, nil, true},
		"no result":          {`{"error":"No."}`, "", `{"error":"No."}`, nil, true},
		"a long one":         {`{"error":"` + strings.Repeat("x", 600) + `"}`, "", `{"error":"` + strings.Repeat("x", 490) + "…", nil, true},
		"not an object":      {`["No."]`, "", "", nil, true},
		"nothing":            {"", "", "", nil, true},
		"the page of a host": {"<html>Bad gateway</html>", "", "", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("GET", "/api/storage", says(500, tc.body))
			_, err := s.client().Storage.List(wire(t))
			said := answerOf(t, err)
			assert.Equal(t, tc.foreign, said.Foreign)
			assert.Equal(t, tc.code, said.Code)
			assert.Equal(t, tc.args, said.Args)
			assert.True(t, isOneLine(err.Error()), err.Error())
			if !tc.foreign {
				assert.Equal(t, tc.message, said.Message)
				return
			}
			assert.Contains(t, said.Message, "the answer is not the service's own")
			assert.Contains(t, said.Message, tc.message)
			assert.NotContains(t, said.Message, "<html>")
			assert.Len(t, s.Lines(), 1)
		})
	}
}

// What a change says beside its status, in all its shapes.
func TestResultsOfChanges(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]unitrends.Result{
		"": nil, " \n": nil, "null": nil, "{}": nil, "[]": nil, `{"result":[]}`: nil, `{"result":null}`: nil, `{"id":5}`: nil,
		`{"result":{"message":"Mind the tide."}}`:          {{Message: "Mind the tide."}},
		`{"result":[{"code":0,"id":5}]}`:                   {{Code: "0", Extra: extra("id", "5")}},
		`{"result":true}`:                                  {{Message: "true"}},
		`[{"message":"a"},{"message":"b","link":"http:"}]`: {{Message: "a"}, {Message: "b", Link: "http:"}},
		testdata(t, "config_update.answer"):                warning,
	} {
		s := newService(t)
		s.on("PUT", "/api/replication/config", says(200, body))
		got, err := s.client().Config.Update(wire(t), unitrends.ConfigUpdate{})
		require.NoError(t, err, body)
		assert.Equal(t, want, got, body)
	}
	assert.Equal(t, `The report has no recipient. https://kb.example.com/a/2107`, warning.String())
}

// A change whose answer is no JSON is not taken for a success.
func TestChangesWithoutAResult(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]httpmock.Responder{
		"a page": wiretest.Page(200), "half an answer": wiretest.BrokenOff(200, `{"result":`), "a redirect": says(302, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("PUT", "/api/replication/config", reply)
			s.on("POST", "/api/replication/source", reply)
			client := s.client(drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))
			_, err := client.Config.Update(wire(t), unitrends.ConfigUpdate{})
			require.Error(t, err)
			assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			_, err = client.Sources.Reject(wire(t), "41", "no")
			require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		})
	}
}

// An answer without what was asked for is an error, and not an empty list.
func TestAnswersWithoutTheirEnvelope(t *testing.T) {
	t.Parallel()
	for path, read := range map[string]struct {
		envelope string
		call     func(ctx context.Context, c *unitrends.Client) error
	}{
		"replication/pending":           {"pending", func(ctx context.Context, c *unitrends.Client) error { _, err := c.Sources.Pending(ctx); return err }},
		"replication/targets":           {"targets", func(ctx context.Context, c *unitrends.Client) error { _, err := c.Targets.List(ctx); return err }},
		"backup-copy/connected_targets": {"data", func(ctx context.Context, c *unitrends.Client) error { _, err := c.Targets.Connected(ctx); return err }},
		"joborders":                     {"data", func(ctx context.Context, c *unitrends.Client) error { _, err := c.JobOrders.List(ctx); return err }},
		"joborders/7":                   {"the job", func(ctx context.Context, c *unitrends.Client) error { _, err := c.JobOrders.Get(ctx, "7"); return err }},
		"jobs/active":                   {"data", func(ctx context.Context, c *unitrends.Client) error { _, err := c.Jobs.Active(ctx); return err }},
		"jobs/history": {"data", func(ctx context.Context, c *unitrends.Client) error {
			_, err := c.Jobs.History(ctx, unitrends.HistoryQuery{})
			return err
		}},
		"assets": {"data", func(ctx context.Context, c *unitrends.Client) error { _, err := c.Assets.List(ctx); return err }},
		"systems": {"appliance", func(ctx context.Context, c *unitrends.Client) error {
			_, err := c.Systems.List(ctx, unitrends.SystemQuery{})
			return err
		}},
		"replication/config":         {"config", func(ctx context.Context, c *unitrends.Client) error { _, err := c.Config.Get(ctx); return err }},
		"replication/queue":          {"active", func(ctx context.Context, c *unitrends.Client) error { _, err := c.Queue.Get(ctx); return err }},
		"replication/queue/active":   {"data", func(ctx context.Context, c *unitrends.Client) error { _, err := c.Queue.Active(ctx); return err }},
		"replication/queue/strategy": {"strategy", func(ctx context.Context, c *unitrends.Client) error { _, err := c.Queue.Strategy(ctx); return err }},
		"storage":                    {"storage", func(ctx context.Context, c *unitrends.Client) error { _, err := c.Storage.List(ctx); return err }},
		"catalog": {"instances", func(ctx context.Context, c *unitrends.Client) error {
			_, err := c.Catalog.List(ctx, unitrends.CatalogQuery{})
			return err
		}},
		"virtual_clients": {"data", func(ctx context.Context, c *unitrends.Client) error {
			_, err := c.InstantRecoveries.List(ctx)
			return err
		}},
	} {
		for _, body := range []string{`{"status":"ok"}`, `{}`, `[]`, `null`, `"ok"`} {
			s := newService(t)
			s.on("GET", "/api/"+path, says(200, body))
			err := read.call(wire(t), s.client())
			require.ErrorContains(t, err, "cannot be used", "%s: %s", path, body)
			if body == `{}` {
				assert.ErrorContains(t, err, "without "+read.envelope)
			}
		}
	}
}

// What the service says of a change that it has accepted gets into the log where a poller is returned.
func TestWarningsOfWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("POST", "/api/replication/target", answer(t, 201, "targets_request.answer"))
	var records bytes.Buffer
	client := s.client(drkit.WithLogger(slog.New(slog.NewTextHandler(&records, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	_, err := client.System("1").Targets.Request(wire(t), unitrends.TargetRequest{"target": "harbor"})
	require.NoError(t, err)
	assert.Contains(t, records.String(), `msg="the service says" operation=unitrends.Targets.Request `+
		`resource="the replication targets at system 1" message="The request was sent."`)
}

// A query holds nothing secret: who reads the log sees what was asked for.
func TestLogShowsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/api/systems", says(200, `{"appliance":[]}`))
	s.on("GET", "/api/jobs/history", says(200, `{"data":[]}`))
	var records bytes.Buffer
	client := s.client(drkit.WithLogger(slog.New(slog.NewTextHandler(&records, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	_, err := client.Systems.List(t.Context(), unitrends.SystemQuery{IncludePending: drkit.Some(true), IncludeRejected: drkit.Some(false)})
	require.NoError(t, err)
	_, err = client.System("4").Jobs.History(t.Context(), unitrends.HistoryQuery{
		ShowFlat: drkit.Some(true), StartDate: "03/01/2026", EndDate: "03/02/2026",
	})
	require.NoError(t, err)
	assert.Contains(t, records.String(), `query="include_pending=1&include_rejected=0"`)
	assert.Contains(t, records.String(), `query="end_date=03/02/2026&showFlat=true&sid=4&start_date=03/01/2026"`)
}
