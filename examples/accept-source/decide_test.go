package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

const decides = "Sources.Decide"

// rehearse runs a test against a target in memory, where hours pass at once: branch-1, branch-2 and lab-7 have asked
// it, and whoever is accepted takes a minute to be configured.
func rehearse(t *testing.T, test func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client), options ...unitrendstest.Option) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := unitrendstest.NewServer(t, append([]unitrendstest.Option{
			unitrendstest.InMemory(), unitrendstest.Pending("branch-1", "branch-2", "lab-7"), unitrendstest.Settling(time.Minute),
			unitrendstest.StorageAreas("internal", "copies", "west", "west"),
		}, options...)...)
		test(t, server, connectTo(t, server))
	})
}

func connectTo(t *testing.T, server *unitrendstest.Server) *unitrends.Client {
	t.Helper()
	client, err := unitrends.NewClient(server.URL, unitrends.Login(server.User, drkit.NewSecret(server.Password)), server.Options()...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

// start runs the program but for the client, which is the test's.
func start(ctx context.Context, client *unitrends.Client, out io.Writer, args ...string) error {
	chosen, err := parse(args, out)
	if err != nil {
		return err
	}
	return decideAll(ctx, client, chosen, out)
}

// states are what became of the requests, by their sources. Nothing may have been decided twice.
func states(server *unitrendstest.Server) map[string]string {
	states := map[string]string{}
	for _, request := range server.Audit().Incoming {
		for _, other := range []string{"", " again"} {
			if name := request.Source + other; states[name] == "" {
				states[name] = request.State
				break
			}
		}
		if request.Decisions > 1 {
			states[request.Source] = fmt.Sprintf("decided %d times", request.Decisions)
		}
	}
	return states
}

// row is what the last table says of a source, with single spaces.
func row(t *testing.T, out fmt.Stringer, source string) string {
	t.Helper()
	table := out.String()[strings.LastIndex(out.String(), "SOURCE"):]
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, source+" ") {
			return strings.TrimPrefix(strings.Join(strings.Fields(line), " "), source+" ")
		}
	}
	require.Fail(t, "no row for "+source, table)
	return ""
}

func TestDecisions(t *testing.T) {
	rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		var out bytes.Buffer
		args := []string{"-allow", "branch-1", "-allow", "TAG-branch-2=internal", "-storage", "copies", "-message", " ask the backup team "}
		require.NoError(t, start(t.Context(), client, &out, append(args, "-dry-run")...))
		assert.Zero(t, server.Count(decides))
		assert.Equal(t, "TAG-branch-2 2 accept internal allowed", row(t, &out, "branch-2"))

		require.NoError(t, start(t.Context(), client, &out, args...))
		assert.Equal(t, map[string]string{"branch-1": "done", "branch-2": "done", "lab-7": "rejected"}, states(server))
		assert.Equal(t, "ask the backup team", server.Audit().Incoming[2].Message)
		assert.Equal(t, server.StorageID("copies"), server.StorageOf("branch-1"))
		assert.Equal(t, server.StorageID("internal"), server.StorageOf("branch-2"))
		assert.Equal(t, "3 reject – rejected", row(t, &out, "lab-7"))

		require.EqualError(t, start(t.Context(), client, &out, args...), "1 of 2 need somebody to look")
		assert.Equal(t, "– none – replicates already", row(t, &out, "branch-1"))
		assert.Equal(t, "– none – allowed; it has not asked, and no source of that name replicates", row(t, &out, "TAG-branch-2"),
			"a source that replicates has no tag any more")
		assert.Equal(t, 3, server.Count(decides))
	})
}

func TestNobodyAsks(t *testing.T) {
	rehearse(t, func(t *testing.T, _ *unitrendstest.Server, client *unitrends.Client) {
		require.NoError(t, start(t.Context(), client, io.Discard, "-message", "no"))
		var out bytes.Buffer
		require.NoError(t, start(t.Context(), client, &out, "-message", "no"))
		assert.Equal(t, "no source asks, and none is allowed\n", out.String())
		require.EqualError(t, start(t.Context(), client, &out, "-allow", "branch-1"), "1 of 1 need somebody to look")
		assert.Contains(t, row(t, &out, "branch-1"), "it has not asked")
	})
}

// Who shares a name with somebody, or has none, is left alone.
func TestRequestsThatAreLeftPending(t *testing.T) {
	rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		server.ReceiveRequest("branch-1")
		server.Inject(unitrendstest.Fault{
			Operation: "Sources.Pending", Status: http.StatusOK, ContentType: "application/json", Times: 1,
			Body: `{"pending": [{"request_id": 1}, {"request_id": 4}, {"request_id": 99}, {"request_id": 3}]}`,
		})
		var out bytes.Buffer
		require.EqualError(t, start(t.Context(), client, &out, "-allow", "branch-1", "-message", "no"), "3 of 4 need somebody to look")
		assert.Equal(t, 2, strings.Count(out.String(), `left pending: "branch-1" is the name of several requests: allow one by its asset tag`))
		assert.Equal(t, "99 99 leave – left pending: the target does not say whose request it is", row(t, &out, "request"))
		assert.Equal(t, map[string]string{"branch-1": "pending", "branch-1 again": "pending", "branch-2": "pending", "lab-7": "rejected"}, states(server))
	})
}

func TestStorage(t *testing.T) {
	for name, tc := range map[string]struct {
		storage string
		want    string // of the error
		id      int
	}{
		"by name":         {"copies", "", 2},
		"by id":           {"3", "", 3},
		"none is named":   {"", "", 0},
		"unknown":         {"cupboard", `no storage is "cupboard"; there is: internal, copies, west, west`, 0},
		"of two storages": {"west", `2 storages are "west": name one by its id`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
				var out bytes.Buffer
				err := start(t.Context(), client, &out, "-allow", "branch-1", "-message", "no", "-storage", tc.storage)
				if tc.want == "" {
					require.NoError(t, err)
					assert.Equal(t, tc.id, server.StorageOf("branch-1"))
					return
				}
				require.EqualError(t, err, tc.want)
				assert.Zero(t, server.Count(decides), "not for lab-7 either")
			}, unitrendstest.Manages("branch-9")) // which has storage of the same names and ids
		})
	}
}

func TestLostAnswersAreFound(t *testing.T) {
	for name, fault := range map[string]unitrendstest.Fault{
		"dropped":   {After: true, Drop: true},
		"truncated": {After: true, Status: http.StatusInternalServerError, Truncate: true},
		"hanging":   {After: true, Hang: true},
		"proxy":     {After: true, Status: http.StatusBadGateway, Body: "<html>"},
		"a failure": {After: true, Status: http.StatusInternalServerError},
		"late":      {Drop: true, Late: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
				fault.Operation = decides
				server.Inject(fault)
				var out bytes.Buffer
				require.NoError(t, start(t.Context(), client, &out, "-allow", "branch-1", "-allow", "branch-2", "-message", "no"), server.Audit())
				for source, want := range map[string]string{"branch-1": "accepted: system ", "branch-2": "accepted: system ", "lab-7": "rejected"} {
					assert.Contains(t, row(t, &out, source), want)
					assert.Contains(t, row(t, &out, source), " (the answer was lost, and the decision found)")
				}
				assert.Equal(t, map[string]string{"branch-1": "done", "branch-2": "done", "lab-7": "rejected"}, states(server))
				assert.Equal(t, 3, server.Ran(decides, ""))
				assert.Equal(t, 3, server.Count(decides))
			})
		})
	}
}

// What is lost and leaves no trace is not sent again by this run. The next one finds the request pending.
func TestLostDecision(t *testing.T) {
	rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		args := []string{"-allow", "branch-1", "-allow", "branch-2", "-message", "no"}
		server.Inject(unitrendstest.Fault{Operation: decides, Resource: "1", Drop: true, Times: 1})
		var out bytes.Buffer
		require.EqualError(t, start(t.Context(), client, &out, args...), "1 of 3 need somebody to look")
		assert.Contains(t, row(t, &out, "branch-1"), "sent, but the outcome is unknown for replication request 1")
		assert.Equal(t, map[string]string{"branch-1": "pending", "branch-2": "done", "lab-7": "rejected"}, states(server))
		assert.Equal(t, 3, server.Count(decides))

		require.NoError(t, start(t.Context(), connectTo(t, server), &out, args...))
		assert.Equal(t, map[string]string{"branch-1": "done", "branch-2": "done", "lab-7": "rejected"}, states(server))
		assert.Equal(t, 1, server.Ran(decides, "1"))
	})
}

func TestRefusal(t *testing.T) {
	rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		server.Inject(unitrendstest.Fault{Operation: decides, Resource: "1", Status: http.StatusInternalServerError, Message: "The storage is full."})
		var out bytes.Buffer
		require.EqualError(t, start(t.Context(), client, &out, "-allow", "branch-1", "-allow", "branch-2", "-message", "no"), "1 of 3 need somebody to look")
		assert.Contains(t, row(t, &out, "branch-1"), "500: The storage is full.")
		assert.NotContains(t, row(t, &out, "branch-1"), "unknown")
		assert.Equal(t, map[string]string{"branch-1": "pending", "branch-2": "done", "lab-7": "rejected"}, states(server))
	})
}

// A source that does not finish its configuration is named, with what another run needs to go on waiting.
func TestAcceptanceThatStalls(t *testing.T) {
	rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		server.StallAcceptances(true)
		args := []string{"-allow", "branch-1", "-message", "no", "-patience", "10m"}
		var out bytes.Buffer
		began := time.Now()
		require.EqualError(t, start(t.Context(), client, &out, args...), "1 of 3 need somebody to look")
		assert.Equal(t, 10*time.Minute, time.Since(began).Truncate(time.Minute))
		assert.Equal(t, "1 accept – accepted, but that has not settled within 10m0s", row(t, &out, "branch-1"))
		token := tokenOf(t, &out, "branch-1")

		out.Reset()
		require.NoError(t, start(t.Context(), client, &out, append(args, "-dry-run")...))
		assert.Equal(t, "– 1 wait – accepted before, on the terms of then", row(t, &out, "branch-1"))
		require.EqualError(t, start(t.Context(), client, &out, args...), "1 of 1 need somebody to look")
		assert.Equal(t, "1 wait – decided, but that has not settled within 10m0s", row(t, &out, "branch-1"))
		again := tokenOf(t, &out, "branch-1")

		out.Reset()
		require.EqualError(t, start(t.Context(), client, &out, "-resume", token, "-patience", "1m"), "1 of 1 need somebody to look")
		assert.Contains(t, row(t, &out, "replication request 1"), "decided, but that has not settled within 1m0s")
		assert.Equal(t, token, tokenOf(t, &out, "replication request 1"))

		server.StallAcceptances(false)
		out.Reset()
		require.NoError(t, start(t.Context(), connectTo(t, server), &out, "-resume", token))
		assert.Equal(t, "– wait – accepted: system 2, Non-Managed Replication Source; decided by an earlier run", row(t, &out, "replication request 1"))
		require.NoError(t, start(t.Context(), client, &out, "-resume", again), "whose name the token knows")
		assert.Equal(t, map[string]string{"branch-1": "done", "branch-2": "rejected", "lab-7": "rejected"}, states(server))
		require.ErrorIs(t, start(t.Context(), client, &out, "-resume", "abc"), drkit.ErrToken)
	})
}

func tokenOf(t *testing.T, out fmt.Stringer, source string) string {
	t.Helper()
	_, token, found := strings.Cut(out.String(), "\n"+source+": to go on waiting: accept-source -resume ")
	require.True(t, found, out.String())
	token, _, _ = strings.Cut(token, "\n")
	return token
}

// interrupting ends a run when it writes some words.
type interrupting struct {
	bytes.Buffer
	words string
	end   func()
}

func (i *interrupting) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(i.words)) {
		i.end()
	}
	return i.Buffer.Write(line)
}

func TestInterruptDuringTheWait(t *testing.T) {
	rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		out := &interrupting{words: "branch-1: accepted; waiting", end: func() { time.AfterFunc(10*time.Second, cancel) }}
		err := start(ctx, client, out, "-allow", "branch-1", "-message", "no")
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "interrupted, and 1 of 3 need somebody to look")
		assert.Equal(t, "1 accept – accepted, but interrupted before that has settled: context canceled", row(t, out, "branch-1"))
		assert.Equal(t, "3 reject – rejected", row(t, out, "lab-7"), "that had settled before")
		require.NoError(t, start(t.Context(), client, io.Discard, "-resume", tokenOf(t, out, "branch-1")))
		assert.Equal(t, "done", states(server)["branch-1"])
	})
}

// An interrupt between the plan and the decisions: none is begun, and each says so.
func TestInterruptBeforeTheDecisions(t *testing.T) {
	rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		ctx = drkit.OnResponse(ctx, func(r drkit.Response) {
			if r.Operation == "unitrends.Storage.List" {
				cancel()
			}
		})
		var out bytes.Buffer
		err := start(ctx, client, &out, "-allow", "branch-1", "-message", "no")
		require.ErrorIs(t, err, context.Canceled)
		assert.Zero(t, server.Count(decides))
		assert.NotContains(t, out.String(), "rejected")
		assert.NotContains(t, out.String(), "accepted")
	})
}

// Somebody else decides meanwhile: the run says what became of its own decision, and each request is decided once.
func TestSomebodyElseDecides(t *testing.T) {
	both := []string{"-allow", "branch-1", "-message", "no"}
	beforeTheNote, afterTheNote := unitrendstest.Fault{Operation: "Storage.List"}, unitrendstest.Fault{Operation: decides, Resource: "1"}
	accepts := func(ann unitrendstest.Operator) error { return ann.Accept(1, 0) }
	rejects := func(ann unitrendstest.Operator) error { return ann.Reject(1, "not yet") }
	for name, tc := range map[string]struct {
		args []string
		at   unitrendstest.Fault
		do   func(ann unitrendstest.Operator) error
		want string
		is   string
	}{
		"rejects before it is looked at": {both, beforeTheNote, rejects, "There is no pending request with the id 1.", "rejected"},
		"rejects just before":            {both, afterTheNote, rejects, "it may be the request, rejected (somebody has rejected it)", "rejected"},
		"accepts what is to be rejected": {both[2:], afterTheNote, accepts, "(somebody has accepted it)", "done"},
		"accepts it, too":                {both, beforeTheNote, accepts, "not sent, because replication request 1 is accepted already, and its source is being configured as system 2", "done"},
	} {
		t.Run(name, func(t *testing.T) {
			rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
				tc.at.Times, tc.at.Do = 1, func() { assert.NoError(t, tc.do(server.Operator("ann"))) }
				server.Inject(tc.at)
				var out bytes.Buffer
				require.EqualError(t, start(t.Context(), client, &out, tc.args...), "1 of 3 need somebody to look", out.String())
				assert.Contains(t, row(t, &out, "branch-1"), tc.want)
				<-time.After(time.Hour) // of the bubble
				assert.Equal(t, map[string]string{"branch-1": tc.is, "branch-2": "rejected", "lab-7": "rejected"}, states(server))
			})
		})
	}
}

// Somebody accepts at the same moment with another storage. Nobody can tell whose acceptance it was, but the copies go
// where the allow-list says, or the run says that this is not sure.
func TestSomebodyElseAcceptsWithAnotherStorage(t *testing.T) {
	for name, tc := range map[string]struct {
		update *unitrendstest.Fault
		want   string
		fails  bool
		goesTo string
	}{
		"put right": {nil, "accepted: system 2, Non-Managed Replication Source (the answer was lost, and the decision found)", false, "copies"},
		"refused": {
			&unitrendstest.Fault{Operation: "Sources.Update", Status: http.StatusInternalServerError, Message: "It is busy."},
			"accepted, but whether its copies go to copies is not known: unitrends.Sources.Update: 500: It is busy.", true, "internal",
		},
	} {
		t.Run(name, func(t *testing.T) {
			rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
				server.Inject(unitrendstest.Fault{Operation: decides, Resource: "1", Times: 1, Do: func() {
					assert.NoError(t, server.Operator("ann").Accept(1, server.StorageID("internal")))
				}})
				if tc.update != nil {
					server.Inject(*tc.update)
				}
				var out bytes.Buffer
				err := start(t.Context(), client, &out, "-allow", "branch-1", "-storage", "copies", "-message", "no")
				assert.Equal(t, tc.fails, err != nil, "%v", err)
				assert.Contains(t, row(t, &out, "branch-1"), tc.want)
				assert.Equal(t, server.StorageID(tc.goesTo), server.StorageOf("branch-1"))
			})
		})
	}
}

// What an earlier run or somebody else has accepted is waited for.
func TestAcceptedBefore(t *testing.T) {
	rehearse(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		require.NoError(t, server.Operator("ann").Accept(1, 0))
		var out bytes.Buffer
		require.NoError(t, start(t.Context(), client, &out, "-allow", "branch-1", "-storage", "copies", "-message", "no"))
		assert.Equal(t, "1 wait – accepted: system 2, Non-Managed Replication Source; accepted before, on the terms of then", row(t, &out, "branch-1"))
		assert.Zero(t, server.StorageOf("branch-1"), "that was not this run's to decide")
		assert.Equal(t, map[string]int{"ann": 1}, server.Audit().Of(decides, "1").RanBy)
	})
}
