package transport_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

func TestRequestAsSent(t *testing.T) {
	t.Parallel()
	type query struct {
		Name  string           `url:"name,omitempty"`
		Limit int              `url:"limit,omitempty"`
		Flag  drkit.Opt[bool]  `url:"flag,omitempty"`
		IDs   []string         `url:"ids,omitempty,comma"`
		Since drkit.Millis     `url:"since,omitempty"`
		Size  drkit.Opt[int64] `url:"size,omitempty"`
	}
	for name, tc := range map[string]struct {
		call     transport.Call
		endpoint string
		want     string // method and URL
		body     string
	}{
		"plain":                {transport.Call{Operation: &readThing, Path: []string{"C4-1"}}, "https://a.example.com", "GET https://a.example.com/things/C4-1", ""},
		"prefix and port":      {transport.Call{Operation: &readThing, Path: []string{"1"}}, "https://a.example.com:8046/api/", "GET https://a.example.com:8046/api/things/1", ""},
		"escaped":              {transport.Call{Operation: &readThing, Path: []string{"a/b?c#d e%"}}, "https://a.example.com", "GET https://a.example.com/things/a%2Fb%3Fc%23d%20e%25", ""},
		"user@org, a:b, a;b":   {transport.Call{Operation: &readThing, Path: []string{"u@o:p;q+r"}}, "https://a.example.com", "GET https://a.example.com/things/u%40o%3Ap%3Bq%2Br", ""},
		"site":                 {transport.Call{Operation: &readThing, Path: []string{"1"}, Site: "site 2"}, "https://a.example.com", "GET https://a.example.com/things/1?site=site+2", ""},
		"query":                {transport.Call{Operation: &listThings, Query: query{Name: "a&b", Limit: 5, Flag: drkit.Some(false), IDs: []string{"x", "y"}}, Site: "s"}, "https://a.example.com", "GET https://a.example.com/things?flag=false&ids=x%2Cy&limit=5&name=a%26b&site=s", ""},
		"empty query":          {transport.Call{Operation: &listThings, Query: query{}}, "https://a.example.com", "GET https://a.example.com/things", ""},
		"body":                 {transport.Call{Operation: &moveThing, Path: []string{"1"}, Body: map[string]any{"to": "<b>", "n": 0}}, "https://a.example.com", "POST https://a.example.com/things/1/move", `{"n":0,"to":"\u003cb\u003e"}`},
		"bare array as a body": {transport.Call{Operation: &moveThing, Path: []string{"1"}, Body: []int{2000}}, "https://a.example.com", "POST https://a.example.com/things/1/move", `[2000]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body string
			network := scripted(func(req *http.Request) (*http.Response, error) {
				if req.Body != nil {
					data, err := io.ReadAll(req.Body)
					require.NoError(t, err)
					body = string(data)
				}
				return answers(200, `{"id":"1"}`)(req)
			})
			client := newClient(t, tc.endpoint, drkit.WithTransport(network), drkit.WithUserAgent("runbook/1"))
			_, err := client.Do(drkit.WithOperationID(t.Context(), "op-1"), tc.call, nil)
			require.NoError(t, err)
			sent := network.seen[0]
			assert.Equal(t, tc.want, sent.Method+" "+sent.URL.String())
			assert.Equal(t, tc.body, body)
			want := http.Header{
				"Accept": {"application/json"}, "User-Agent": {"runbook/1"}, "Operationid": {"op-1"}, "X-Token": {"given-token"},
			}
			if tc.body != "" {
				want.Set("Content-Type", "application/json")
				assert.EqualValues(t, len(tc.body), sent.ContentLength)
			}
			assert.Equal(t, want, sent.Header)
		})
	}
}

func TestRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	type query struct {
		Site string `url:"site,omitempty"`
	}
	for name, tc := range map[string]struct {
		ctx  func(context.Context) context.Context
		call transport.Call
		want string
	}{
		"empty id":           {nil, transport.Call{Operation: &readThing, Path: []string{""}}, "thingId is empty"},
		"dots":               {nil, transport.Call{Operation: &readThing, Path: []string{".."}}, "not an id"},
		"missing argument":   {nil, transport.Call{Operation: &readThing}, "arguments"},
		"too many arguments": {nil, transport.Call{Operation: &readThing, Path: []string{"1", "2"}}, "arguments"},
		"body":               {nil, transport.Call{Operation: &moveThing, Path: []string{"1"}, Body: func() {}}, "request body"},
		"query":              {nil, transport.Call{Operation: &listThings, Query: 7}, "query"},
		"two sites":          {nil, transport.Call{Operation: &listThings, Query: query{"a"}, Site: "b"}, "site"},
		"operation ID": {
			func(ctx context.Context) context.Context { return drkit.WithOperationID(ctx, "a\nb") },
			transport.Call{Operation: &readThing, Path: []string{"1"}},
			"operation ID",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network := scripted(answers(200, `{}`))
			client := newClient(t, "https://a.example.com", drkit.WithTransport(network))
			ctx := t.Context()
			if tc.ctx != nil {
				ctx = tc.ctx(ctx)
			}
			_, err := client.Do(ctx, tc.call, nil)
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, "fake."+tc.call.Operation.Name)
			require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			assert.Zero(t, network.count())
		})
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	server := &sessionServer{}
	client := newSessionClient(t, server, drkit.WithReadOnly())
	for _, operation := range []*api.Operation{&moveThing, &replaceThing} {
		_, err := client.Do(t.Context(), transport.Call{Operation: operation, Path: []string{"1"}}, nil)
		require.ErrorIs(t, err, drkit.ErrReadOnly)
	}
	signIns, _, _ := server.counts()
	assert.Zero(t, signIns, "not even a sign-in")
	require.NoError(t, get(t.Context(), client), "reading, and signing in for it, is allowed")
	require.NoError(t, client.Close(t.Context()))
	_, signOuts, moved := server.counts()
	assert.Equal(t, 1, signOuts)
	assert.Zero(t, moved)
}

func TestConstructorRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		endpoint string
		options  []drkit.Option
		want     string
	}{
		"no URL":               {"://", nil, "not a URL"},
		"no host":              {"appliance", nil, "host"},
		"empty":                {"", nil, "host"},
		"other scheme":         {"ftp://a.example.com", nil, "https://"},
		"plain HTTP":           {"http://a.example.com", nil, "WithPlainHTTP"},
		"query":                {"https://a.example.com/?x=1", nil, "query"},
		"fragment":             {"https://a.example.com/#x", nil, "fragment"},
		"user":                 {"https://root:hunter2@a.example.com", nil, "user name"},
		"nil option":           {"https://a.example.com", []drkit.Option{nil}, "nil"},
		"bad option":           {"https://a.example.com", []drkit.Option{drkit.WithThumbprint("12")}, "thumbprint"},
		"two transports":       {"https://a.example.com", []drkit.Option{drkit.WithTransport(scripted()), drkit.WithHTTPClient(http.DefaultClient)}, "contradict"},
		"pin and no check":     {"https://a.example.com", []drkit.Option{drkit.WithInsecureSkipVerify(), drkit.WithThumbprint(strings.Repeat("ab", 32))}, "contradict"},
		"roots and no check":   {"https://a.example.com", []drkit.Option{drkit.WithInsecureSkipVerify(), drkit.WithRootCAs(x509.NewCertPool())}, "contradict"},
		"TLS of a fake":        {"https://a.example.com", []drkit.Option{drkit.WithTransport(scripted()), drkit.WithThumbprint(strings.Repeat("ab", 32))}, "*http.Transport"},
		"plain HTTP and https": {"https://a.example.com", []drkit.Option{drkit.WithPlainHTTP()}, "contradicts"},
		"plain HTTP and pin":   {"http://a.example.com", []drkit.Option{drkit.WithPlainHTTP(), drkit.WithThumbprint(strings.Repeat("ab", 32))}, "contradicts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newConfigured(tc.endpoint, nil, tc.options...)
			require.ErrorContains(t, err, tc.want)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestAnswerThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	missing := errors.New("a thing without an id")
	check := func(out *thing) func() error {
		return func() error {
			if out.ID == "" {
				return missing
			}
			return nil
		}
	}
	for name, answer := range map[string]string{"empty object": `{}`, "null": ` null`, "text": `"7"`, "half": `{"id"`, "nothing": ``} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(answers(200, answer))))
			for _, operation := range []*api.Operation{&readThing, &moveThing} {
				var out thing
				_, err := client.Do(t.Context(), transport.Call{Operation: operation, Path: []string{"1"}, Check: check(&out)}, &out)
				require.ErrorContains(t, err, "cannot be used")
				assert.Equal(t, operation.Class == api.Once, errors.Is(err, drkit.ErrOutcomeUnknown))
			}
		})
	}
}

func TestErrorAnswerKeepsEverything(t *testing.T) {
	t.Parallel()
	client := newClientWith(t, "https://a.example.com", func(c *transport.Config) {
		c.Session.Token = drkit.NewSecret("given-token")
		c.DecodeError = func(status int, body []byte) (transport.ServiceError, bool) {
			assert.Equal(t, 409, status)
			assert.Equal(t, `{"x":1}`, string(body))
			return transport.ServiceError{
				Code: "InUse", Message: "busy\nwith given-token", Args: []string{"7", "given-token"}, Stack: "at given-token", Kind: drkit.ErrThrottled,
			}, true
		}
	}, drkit.WithTransport(scripted(answers(409, `{"x":1}`, "Retry-After", "9"))))
	_, err := client.Do(drkit.WithOperationID(t.Context(), "op-1"), transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
	var got *drkit.Error
	require.ErrorAs(t, err, &got)
	assert.Equal(t, &drkit.Error{
		Operation: "fake.Things.Get", Method: "GET", Path: "/things/7", Status: 409, Code: "InUse",
		Message: "busy\nwith [redacted]", Args: []string{"7", "[redacted]"}, Stack: "at [redacted]",
		OperationID: "op-1", RetryAfter: 9e9, Kind: drkit.ErrThrottled,
	}, got)
	assert.Equal(t, "fake.Things.Get: 409 InUse: busy with [redacted] (GET /things/7, operation ID op-1)", err.Error())
}

func TestStream(t *testing.T) {
	t.Parallel()
	client := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(
		answers(503, `{}`), answers(200, strings.Repeat("x", 100_000), "Content-Type", "application/x-gtar"))),
		drkit.WithMaxBodyBytes(10), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))
	body, answer, err := client.Stream(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}})
	require.NoError(t, err)
	data, err := io.ReadAll(body)
	require.NoError(t, err)
	assert.Len(t, data, 100_000, "a download is not bounded by what is read into memory")
	assert.Equal(t, "application/x-gtar", answer.Header("content-type"))
	require.NoError(t, body.Close())

	client = newClient(t, "https://a.example.com", drkit.WithTransport(scripted(answers(404, `{"code":"NotFound"}`))))
	_, _, err = client.Stream(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}})
	require.ErrorIs(t, err, drkit.ErrNotFound)
}

func TestOnResponseShowsEachAttempt(t *testing.T) {
	t.Parallel()
	client := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(
		answers(503, `{"code":"Starting"}`),
		answers(200, `{"id":"1","password":"hunter2","nested":{"vcdAccessToken" : "abc\"def","n":1},"echo":"given-token"}`, "X-Token", "next-token"))),
		drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))
	var seen []drkit.Response
	ctx := drkit.OnResponse(drkit.WithOperationID(t.Context(), "op-1"), func(r drkit.Response) { seen = append(seen, r) })
	_, err := client.Do(ctx, transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
	require.NoError(t, err)
	require.Len(t, seen, 2)
	assert.Equal(t, drkit.Response{
		Operation: "fake.Things.Get", OperationID: "op-1", Attempt: 1, Status: 503,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"code":"Starting"}`),
	}, seen[0])
	assert.Equal(t, 2, seen[1].Attempt)
	assert.Equal(t, "[redacted]", seen[1].Header.Get("X-Token"))
	assert.JSONEq(t, `{"id":"1","password":"[redacted]","nested":{"vcdAccessToken":"[redacted]","n":1},"echo":"[redacted]"}`, string(seen[1].Body))
}
