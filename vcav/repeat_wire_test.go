package vcav_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
)

// lostAnswers say nothing certain of what became of a request.
func lostAnswers(t *testing.T) map[string]httpmock.Responder {
	t.Helper()
	return map[string]httpmock.Responder{
		"null":        httpmock.NewStringResponder(202, `null`),
		"no body":     httpmock.NewStringResponder(202, ``),
		"page":        page(202),
		"cut short":   httpmock.NewStringResponder(202, `{"id":"`+taskID+`","state":`),
		"broken off":  brokenOff(202, `{"id":"`+taskID+`"`),
		"array":       httpmock.NewStringResponder(202, `[]`),
		"other kind":  httpmock.NewStringResponder(202, `{"status":"ok"}`),
		"no answer":   httpmock.NewErrorResponder(errors.New("connection reset by peer")),
		"gateway":     page(502),
		"busy":        status(503, httpmock.NewStringResponder(503, `{"code":"Busy","msg":"later"}`)),
		"throttled":   status(429, httpmock.NewStringResponder(429, `{"code":"Busy","msg":"later"}`)),
		"proxy's 401": page(401),
		"proxy's 404": page(404),
		"failure":     answer(t, 500, "error"),
	}
}

// An operation of class once whose answer says nothing certain is not sent again.
func TestOnceWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		if tc.class() != api.Once {
			continue
		}
		lost := lostAnswers(t)
		if tc.begin != nil {
			maps.Copy(lost, map[string]httpmock.Responder{
				"no id":           httpmock.NewStringResponder(202, `{"state":"RUNNING"}`),
				"empty id":        taskAt("RUNNING", 0, with("id", "")),
				"of another type": httpmock.NewStringResponder(202, `{"id":7}`),
				"another 401":     answer(t, 401, "error_remote_authentication_failure"),
			})
		}
		for name, reply := range lost {
			t.Run(tc.name()+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := newService(t)
				s.onAny(reply)
				at, site := tc.at(s.client(), "south")
				_, err := tc.run(drkit.WithOperationID(wire(t), "op-1"), at)
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.Equal(t, []string{tc.line(site)}, s.lines())
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				unknown.Err = nil
				method, path, _ := strings.Cut(tc.request, " ")
				assert.Equal(t, &drkit.OutcomeUnknownError{
					Operation: "vcav." + tc.operation, Method: method, Path: path, Site: site, OperationID: "op-1",
				}, unknown)
			})
		}
	}
}

// What changes nothing, or leaves what its first run left, is sent again as it was.
func TestWhatMayRepeatIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		if tc.class() == api.Once || tc.file != "" { // a file goes on where it broke off: see TestBundleIsResumed
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, client := tc.layOut(t, httpmock.NewErrorResponder(errors.New("connection reset by peer")))
				method, path, _ := strings.Cut(tc.request, " ")
				s.on(method, path, page(502), status(503, httpmock.NewStringResponder(503, `{"code":"Busy","msg":"later"}`)),
					brokenOff(tc.status, `{"id":`), answer(t, tc.status, tc.answer))
				at, site := tc.at(client, "south")
				got, err := tc.run(drkit.WithOperationID(wire(t), "op-1"), at)
				require.NoError(t, err)
				assert.Equal(t, tc.want, tidy(got))
				line := tc.line(site)
				require.Equal(t, []string{line, line, line, line}, s.lines())
				for _, request := range s.all() {
					assert.Equal(t, s.all()[0], request)
				}
			})
		})
	}
}

// A DELETE that finds nothing where an earlier attempt may have been there has done its work.
func TestRepeatedDeleteThatFindsNothing(t *testing.T) {
	t.Parallel()
	trouble := map[string]httpmock.Responder{
		"no answer": httpmock.NewErrorResponder(errors.New("connection reset by peer")), "gateway": page(504),
	}
	for name, first := range trouble {
		t.Run("Policies.Delete/"+name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newService(t)
				s.on("DELETE", "/policies/"+silverID, first, answer(t, 404, "error_policy_not_found"))
				client := s.client()
				require.NoError(t, client.Policies.Delete(wire(t), silverID))
				require.ErrorIs(t, client.Policies.Delete(wire(t), silverID), drkit.ErrNotFound, "a DELETE of its own")
				assert.Len(t, s.lines(), 3)
			})
		})
		t.Run("Sessions.Shrink/"+name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newService(t)
				s.on("DELETE", "/sessions/north", first, answer(t, 404, "error_not_found"))
				s.on("GET", "/sessions", answer(t, 200, "sessions_get.answer"))
				session, err := s.client().Sessions.Shrink(wire(t), "north")
				require.NoError(t, err)
				assert.Equal(t, extendedSession(), session, "the session is asked for, since nobody has told it")
				shrink := "DELETE /sessions/north"
				assert.Equal(t, []string{shrink, shrink, "GET /sessions"}, s.lines())
			})
		})
	}
}

// The pauses between attempts are those that the service asks for, within the limit.
func TestPauseBeforeARepetition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		throttled := withHeader(answer(t, 429, "error"), "Retry-After", "7")
		s.on("POST", "/vm-replications/"+ordersID+"/pause", throttled, throttled, answer(t, 202, "vm_replications_pause.answer"))
		began := time.Now()
		_, err := s.client().VMReplications.Pause(wire(t), ordersID)
		require.NoError(t, err)
		assert.Equal(t, 14*time.Second, time.Since(began))
		assert.Len(t, s.lines(), 3)
	})
}
