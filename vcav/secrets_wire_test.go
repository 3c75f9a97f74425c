package vcav_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// diary is a logger that keeps everything, and what else a program might print.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

func (d *diary) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(d, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// print writes a value in every way that a program might, with all errors that it wraps.
func (d *diary) print(values ...any) {
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			fmt.Fprintf(d, verb+"\n", value)
		}
		d.logger().Debug("value", "value", value)
		slog.New(slog.NewTextHandler(d, nil)).Info("value", "value", value)
		if data, err := json.Marshal(value); err == nil {
			_, _ = d.Write(append(data, '\n'))
		}
		if err, ok := value.(error); ok {
			for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
				d.print(inner)
			}
		}
	}
}

// echo is an error answer that repeats all that it was told.
func echo(code int, name string, secrets ...string) httpmock.Responder {
	all := strings.Join(secrets, " and ")
	body, err := json.Marshal(vcav.APIError{Code: name, Msg: "no: " + all, Args: secrets, Stacktrace: "at " + all})
	if err != nil {
		panic(err)
	}
	return withHeader(httpmock.NewBytesResponder(code, body), "Content-Type", mediaType)
}

// assertKept checks that no secret is in the text, in any form that a writer may have given it.
func assertKept(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		quoted, err := json.Marshal(secret)
		require.NoError(t, err)
		for _, form := range []string{secret, strings.Trim(string(quoted), `"`), strings.Trim(fmt.Sprintf("%q", secret), `"`)} {
			if at := strings.Index(text, form); at >= 0 {
				t.Errorf("shows %q: …%s…", form, text[max(0, at-100):min(len(text), at+100)])
			}
		}
	}
}

// A service that refuses a sign-in and repeats the credentials does not make the client tell them.
func TestRefusedSignInKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	for name, tc := range signInCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, d := newService(t), &diary{}
			s.on("POST", "/sessions", echo(401, vcav.CodeNotAuthenticated, tc.secret))
			client := s.clientOf(tc.credentials, drkit.WithLogger(d.logger()))
			_, err := client.Sessions.SignIn(wire(t))
			require.ErrorIs(t, err, drkit.ErrUnauthorized)
			_, later := client.VMReplications.Sync(wire(t), "C4-1")
			require.ErrorIs(t, later, drkit.ErrUnauthorized)
			d.print(err, later, client, tc.credentials, answerOf(t, err), *answerOf(t, err))
			assert.Contains(t, d.String(), "[redacted]")
			assertKept(t, d.String(), tc.secret)
		})
	}
}

// The same holds for the token of the session, in errors of every class and in log records.
func TestSessionKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	const password = "Tr0ub4dor&3"
	for name, reply := range map[string]httpmock.Responder{
		"failure":   echo(500, "GeneralServerFailure", password, givenToken),
		"forbidden": echo(403, "Forbidden", givenToken, password),
		"code":      echo(409, givenToken, password),
		"no answer": httpmock.NewErrorResponder(errors.New("proxy refuses " + givenToken + " and " + password)),
		"page":      page(502),
		"type":      withHeader(page(404), "Content-Type", "text/"+givenToken),
		"redirect":  withHeader(status(302, page(302)), "Location", "https://proxy.example.com/login?t="+givenToken),
		"not JSON":  httpmock.NewStringResponder(200, givenToken+" "+password),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, d := newService(t), &diary{}
			s.signsIn(givenToken)
			s.on("GET", "/vm-replications/C4-1", reply)
			s.on("POST", "/vm-replications/C4-1/sync", reply)
			client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret(password)),
				drkit.WithLogger(d.logger()), drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))
			_, err := client.VMReplications.Get(wire(t), "C4-1")
			require.Error(t, err)
			poller, started := client.VMReplications.Sync(wire(t), "C4-1")
			require.Error(t, started)
			d.print(err, started, poller, client, client.Site("south"), client.Sessions, *client.VMReplications)
			assertKept(t, d.String(), password, givenToken)
			assert.Contains(t, d.String(), "vcav.VMReplications.Sync")
		})
	}
}

// What OnResponse shows is the answer without the token and without what answers call secret.
func TestObservedAnswersAreRedacted(t *testing.T) {
	t.Parallel()
	s, d := newService(t), &diary{}
	s.signsIn(givenToken)
	body := `{"id":"` + taskID + `","state":"SUCCEEDED","result":{"customUpdateRepo":` +
		`{"repositoryUrl":"https://a","username":"u","password":"battery \"staple\""}},"user":"` + givenToken + `"}`
	s.on("GET", "/tasks/"+taskID, func(*http.Request) (*http.Response, error) {
		response := httpmock.NewStringResponse(200, body)
		response.Header.Set("X-VCAV-Auth", givenToken)
		response.Header.Add("Set-Cookie", "session="+givenToken)
		response.Header.Set("X-Request", "7")
		return response, nil
	})
	client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")), drkit.WithLogger(d.logger()))
	var seen []drkit.Response
	ctx := drkit.OnResponse(drkit.WithOperationID(wire(t), "op-1"), func(r drkit.Response) { seen = append(seen, r) })
	_, err := client.Tasks.Get(ctx, taskID)
	require.NoError(t, err)
	require.Len(t, seen, 1, "the sign-in is not shown")
	assert.Equal(t, "vcav.Tasks.Get", seen[0].Operation)
	assert.Equal(t, "op-1", seen[0].OperationID)
	assert.Equal(t, 200, seen[0].Status)
	assert.Equal(t, "[redacted]", seen[0].Header.Get("X-VCAV-Auth"))
	assert.Equal(t, []string{"[redacted]"}, seen[0].Header.Values("Set-Cookie"))
	assert.Equal(t, "7", seen[0].Header.Get("X-Request"))
	assert.JSONEq(t, `{"id":"`+taskID+`","state":"SUCCEEDED","result":{"customUpdateRepo":`+
		`{"repositoryUrl":"https://a","username":"u","password":"[redacted]"}},"user":"[redacted]"}`, string(seen[0].Body))
	d.print(seen[0], client)
	assertKept(t, d.String(), givenToken, "correct horse", "staple")
}

// Bodies are never logged, be they sent or answered.
func TestBodiesAreNotLogged(t *testing.T) {
	t.Parallel()
	s, d := newService(t), &diary{}
	s.signsIn(givenToken)
	s.on("POST", failoverPath, answer(t, 202, "vm_replications_failover.answer"))
	s.on("GET", "/tasks/"+taskID, answer(t, 200, "tasks_get.answer"))
	client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")), drkit.WithLogger(d.logger()))
	poller, err := client.Site("south").VMReplications.Failover(wire(t), ordersID, cloudFailover())
	require.NoError(t, err)
	_, err = poller.Wait(wire(t))
	require.NoError(t, err)
	require.NoError(t, client.Close(wire(t)))
	for _, word := range []string{"horse", givenToken, "orders-db", "acme", "10.64.8.21", "X-Vcav", "X-VCAV"} {
		assert.NotContains(t, d.String(), word)
	}
	for _, word := range []string{
		"vcav.Sessions.SignIn", "vcav.VMReplications.Failover", "vcav.Tasks.Get", "vcav.Sessions.End",
		`"query":"site=south"`, `"path":"` + failoverPath + `"`, `"outcome":"accepted"`,
	} {
		assert.Contains(t, d.String(), word)
	}
}
