package transport_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// given is what the clients of these tests have in common.
func given(c *transport.Config) { c.Session.Token = drkit.NewSecret("given-token") }

// A service may write a slash before a query, call sites by another name, and take no operation ID.
func TestRequestInAnotherDialect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		call transport.Call
		want string
	}{
		"no query":        {transport.Call{Operation: &readThing, Path: []string{"a/b"}}, "/base/things/a%2Fb"},
		"a site":          {transport.Call{Operation: &readThing, Path: []string{"a/b"}, Site: "4"}, "/base/things/a%2Fb/?sid=4"},
		"a query":         {transport.Call{Operation: &listThings, Query: struct{ Site string }{"x"}}, "/base/things/?Site=x"},
		"an empty query":  {transport.Call{Operation: &listThings, Query: struct{}{}}, "/base/things"},
		"both, in order":  {transport.Call{Operation: &listThings, Site: "4", Query: struct{ Z int }{1}}, "/base/things/?Z=1&sid=4"},
		"a site, escaped": {transport.Call{Operation: &listThings, Site: "a&b"}, "/base/things/?sid=a%26b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network := scripted(answers(200, `{}`))
			client := newClientWith(t, "https://a.example.com/base", func(c *transport.Config) {
				given(c)
				c.TraceHeader, c.SiteParameter, c.SlashBeforeQuery = "", "sid", true
			}, drkit.WithTransport(network))
			_, err := client.Do(t.Context(), tc.call, nil)
			require.NoError(t, err)
			request := network.seen[0]
			assert.Equal(t, tc.want, request.URL.RequestURI())
			assert.Equal(t, http.Header{"Accept": {"application/json"}, "User-Agent": {"drkit-go"}, "X-Token": {"given-token"}}, request.Header)
		})
	}
	client := newClientWith(t, "https://a.example.com", func(c *transport.Config) { given(c); c.SiteParameter = "sid" })
	_, err := client.Do(t.Context(), transport.Call{Operation: &listThings, Site: "4", Query: struct {
		SID string `url:"sid"`
	}{"5"}}, nil)
	require.ErrorContains(t, err, "query names a sid beside the sid of the view")
}

// A change may be answered without a body; what was asked for must come.
func TestBareAnswers(t *testing.T) {
	t.Parallel()
	for body, usable := range map[string]bool{"": true, " \n": true, "null": true, `{"id":"1"}`: true, "<html>": false} {
		for _, bare := range []bool{true, false} {
			client := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(answers(200, body))))
			var got thing
			_, err := client.Do(t.Context(), transport.Call{Operation: &replaceThing, Path: []string{"1"}, Bare: bare}, &got)
			if usable && (bare || strings.HasPrefix(body, "{")) {
				require.NoError(t, err, "%q", body)
				assert.Equal(t, strings.HasPrefix(body, "{"), got.ID == "1")
			} else {
				require.ErrorContains(t, err, "cannot be used", "%q", body)
			}
		}
	}
}

// Who has answered is told apart from what they said: a service may have errors without codes.
func TestErrorsWithoutCodes(t *testing.T) {
	t.Parallel()
	withoutCodes := func(c *transport.Config) {
		given(c)
		c.DecodeError = func(_ int, body []byte) (transport.ServiceError, bool) {
			text, own := strings.CutPrefix(string(body), "no: ")
			return transport.ServiceError{Message: text}, own
		}
	}
	for name, tc := range map[string]struct {
		status  int
		body    string
		foreign bool
		message string
		unknown bool
	}{
		"its own refusal":     {409, "no: busy", false, "busy", false},
		"its own failure":     {500, "no: broken", false, "broken", true},
		"somebody else's":     {409, "given-token is no good", true, "the answer is not the service's own (application/json): [redacted] is no good", true},
		"somebody without it": {409, "", true, "the answer is not the service's own (application/json)", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClientWith(t, "https://a.example.com", withoutCodes, drkit.WithTransport(scripted(answers(tc.status, tc.body))))
			_, err := client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"1"}}, nil)
			var answer *drkit.Error
			require.ErrorAs(t, err, &answer)
			assert.Equal(t, tc.foreign, answer.Foreign)
			assert.Empty(t, answer.Code)
			assert.Equal(t, tc.message, answer.Message)
			if tc.unknown {
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
			} else {
				require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				require.ErrorIs(t, err, drkit.ErrConflict)
			}
		})
	}
}

// An expiry is no proof for what must not repeat, unless the contract lists it.
func TestExpiryIsNoProof(t *testing.T) {
	t.Parallel()
	unlisted := moveThing
	unlisted.Refusals = nil
	for name, tc := range map[string]struct {
		call transport.Call
		sent int
		want error
	}{
		"once":         {transport.Call{Operation: &unlisted, Path: []string{"1"}}, 1, drkit.ErrOutcomeUnknown},
		"once, listed": {transport.Call{Operation: &moveThing, Path: []string{"1"}}, 2, nil},
		"replaceable":  {transport.Call{Operation: &replaceThing, Path: []string{"1"}}, 2, nil},
		"read":         {transport.Call{Operation: &readThing, Path: []string{"1"}}, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network := scripted(
				answers(200, "", "X-Token", "first"), answers(401, `{"code":"SessionOver","msg":"over"}`),
				answers(200, "", "X-Token", "second"), answers(200, `{}`),
			)
			if tc.sent == 1 {
				network.steps = network.steps[:2]
			}
			var client *transport.Client
			client, err := newConfigured("https://a.example.com", withSession(&client), drkit.WithTransport(network))
			require.NoError(t, err)
			_, err = client.Do(t.Context(), tc.call, nil)
			if tc.want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tc.want)
			}
			assert.Equal(t, 2*tc.sent, network.count())
		})
	}
}

// A session that has ended is begun anew by the note, and what is sent next goes out with it: of a service that does
// not say that nothing ran, the next answer would otherwise be a refusal.
func TestSessionThatTheNoteHasBegun(t *testing.T) {
	t.Parallel()
	over := answers(401, `{"code":"SessionOver","msg":"over"}`)
	network := scripted(answers(200, "", "X-Token", "first"), answers(200, `{}`), over, answers(200, "", "X-Token", "second"), answers(200, `{}`))
	var client *transport.Client
	client, err := newConfigured("https://a.example.com", withSession(&client), drkit.WithTransport(network))
	require.NoError(t, err)
	read := transport.Call{Operation: &readThing, Path: []string{"1"}}
	_, err = client.Do(t.Context(), read, nil)
	require.NoError(t, err)
	unlisted := moveThing
	unlisted.Refusals = nil
	_, err = client.Do(t.Context(), transport.Call{Operation: &unlisted, Path: []string{"1"}, Work: &transport.Work{
		Resource: "thing 1", Jobs: func(ctx context.Context) ([]transport.Job, error) {
			_, err := client.Do(ctx, read, nil)
			return nil, err
		},
	}}, nil)
	require.NoError(t, err)
	require.Len(t, network.seen, 6)
	moved := network.seen[5]
	assert.Equal(t, http.MethodPost, moved.Method)
	assert.Equal(t, []string{"second"}, moved.Header["X-Token"])
}

// Where a service refuses with statuses that prove nothing, its words are believed once the look has shown that
// nothing has changed.
func TestRefusalsAreBelieved(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		believe bool
		answer  func(*http.Request) (*http.Response, error)
		after   transport.State
		stands  bool
	}{
		"its own words":       {true, answers(500, `{"code":"No","msg":"no"}`), transport.State{"a": "1"}, true},
		"not to be believed":  {false, answers(500, `{"code":"No","msg":"no"}`), transport.State{"a": "1"}, false},
		"somebody else's":     {true, answers(500, "<html>"), transport.State{"a": "1"}, false},
		"no answer":           {true, fails(errReset), transport.State{"a": "1"}, false},
		"something else ran":  {true, answers(500, `{"code":"No","msg":"no"}`), transport.State{"a": "2"}, false},
		"another's task":      {true, answers(500, `{"code":"No","msg":"no"}`), transport.State{"a": "1", "task": "foreign"}, false},
		"surely another's":    {true, answers(500, `{"code":"No","msg":"no"}`), transport.State{"a": "1", "task": "foreign", "waits": "1"}, true},
		"an answer of no use": {true, answers(200, "<html>"), transport.State{"a": "1"}, false},
		"it waited too long":  {true, answers(504, `{"code":"No","msg":"no"}`), transport.State{"a": "1"}, false},
		"it got no answer":    {true, answers(502, `{"code":"No","msg":"no"}`), transport.State{"a": "1"}, false},
		"we were too slow":    {true, answers(408, `{"code":"No","msg":"no"}`), transport.State{"a": "1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := scripted(tc.answer, answers(200, `{"id":"1"}`))
				client := newClient(t, "https://a.example.com", drkit.WithTransport(network))
				began := time.Now()
				state := func() transport.State {
					if time.Since(began) < time.Second {
						return transport.State{"a": "1"}
					}
					return tc.after
				}
				work := &transport.Work{
					Resource: "thing 1", Believe: tc.believe,
					Jobs: func(context.Context) ([]transport.Job, error) {
						task := state()["task"]
						if task == "" {
							return nil, nil
						}
						return []transport.Job{{ID: "job 7", Ended: true, Veto: task}}, nil
					},
					State: func(context.Context) (transport.State, error) { return state(), nil },
					Settle: func(before, after transport.State) transport.Verdict {
						switch {
						case after["waits"] != "":
							return transport.NotRun
						case before["a"] == after["a"]:
							return transport.Untouched
						}
						return transport.Unclear
					},
				}
				move := func() (transport.Answer, error) {
					var out thing
					said, err := client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"1"}, Work: work}, &out)
					return said, err
				}
				_, err := move()
				require.Error(t, err)
				_, again := move()
				if !tc.stands {
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					require.ErrorIs(t, again, drkit.ErrOutcomeUnknown)
					assert.Equal(t, 1, network.count())
					return
				}
				require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				require.ErrorContains(t, err, "500 No: no")
				require.NoError(t, again, "it is forgotten")
				assert.Equal(t, 2, network.count())
			})
		})
	}
}

// What was noted before a call comes with its answer.
func TestAnswersHaveTheirNote(t *testing.T) {
	t.Parallel()
	client := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(answers(200, `{"id":"1"}`))))
	work := &transport.Work{
		Resource: "thing 1",
		Jobs: func(context.Context) ([]transport.Job, error) {
			return []transport.Job{{ID: "an old one", Ended: true}}, nil
		},
	}
	call := transport.Call{Operation: &moveThing, Path: []string{"1"}, Work: work}
	said, err := client.Do(t.Context(), call, nil)
	require.NoError(t, err)
	require.NotNil(t, said.Note)
	assert.Equal(t, []string{"an old one"}, said.Note.Jobs)
	said, err = client.Do(drkit.WithoutNote(t.Context()), call, nil)
	require.NoError(t, err)
	assert.Nil(t, said.Note)
}

// Where an answer is to have no content, any success will do, but for the page of a proxy.
func TestSuccessWithoutContent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		page   bool
	}{
		"nothing":      {answers(204, ""), false},
		"something":    {answers(200, `{"gone":true}`), false},
		"half of it":   {answers(200, `{"gone":`), false},
		"a page":       {answers(200, "<html>", "Content-Type", "Text/HTML; charset=utf-8"), true},
		"an empty one": {answers(200, "\n", "Content-Type", "text/html"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(tc.answer)))
			_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
			if !tc.page {
				require.NoError(t, err)
				return
			}
			var answer *drkit.Error
			require.ErrorAs(t, err, &answer)
			assert.Equal(t, 200, answer.Status)
			assert.True(t, answer.Foreign)
			assert.ErrorContains(t, err, "a page (Text/HTML; charset=utf-8), where the service itself says nothing")
		})
	}
}
