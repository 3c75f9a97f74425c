package vcav_test

import (
	"crypto/rsa"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// Pages that repeat their rows, or rows without ids, must not be asked for until the total is reached.
func TestEndlessWalk(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"rows that repeat": `{"items":[{"id":"a"},{"id":"b"},{"id":"a"}],"total":300}`,
		"rows without ids": `{"items":[{"vmName":"a"},{"vmName":"b"}],"total":300}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("GET", "/vm-replications", httpmock.NewStringResponder(200, body))
			_, err := drkit.Collect(s.client().VMReplications.List(wire(t), vcav.VMReplicationQuery{}))
			require.Error(t, err)
			assert.LessOrEqual(t, len(s.lines()), 8)
		})
	}
}

// An empty list of ids is not a wish for everything: what follows may be a failover of each row.
func TestEmptyFilter(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.onAny(answer(t, 200, "vm_replications_list.answer"))
	rows, _ := drkit.Collect(s.client().VMReplications.List(wire(t), vcav.VMReplicationQuery{IDs: []string{}}))
	assert.Empty(t, rows)
	tasks, _ := drkit.Collect(s.client().Tasks.List(wire(t), vcav.TaskQuery{IDs: []string{}}))
	assert.Empty(t, tasks)
}

// A JSON object that is not what was asked for, such as a gateway's {"status":"ok"}, is no answer.
func TestObjectOfAnotherKind(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		if tc.answer == "" || tc.begin != nil {
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.onAny(httpmock.NewStringResponder(200, `{"status":"ok"}`))
			_, err := tc.run(wire(t), here(s.client()))
			require.ErrorContains(t, err, "the answer cannot be used")
		})
	}
}

// A result that is no replication is not handed out as one.
func TestResultOfAnotherKind(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]any{
		"nothing in it": map[string]any{}, "support bundle": map[string]any{"sha": "SHA-512:9B", "owner": "System@south"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("POST", failoverPath, taskAt("SUCCEEDED", 100, with("result", result), with("resultType", "SupportBundleInfo")))
			poller, err := s.client().VMReplications.Failover(wire(t), ordersID, cloudFailover())
			require.NoError(t, err)
			_, err = poller.Wait(wire(t))
			require.ErrorContains(t, err, "cannot be read")
		})
	}
}

// A look that shows another task than the one that was asked for shows nothing.
func TestAnotherTask(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/tasks/another", answer(t, 200, "tasks_get.answer"))
	_, err := s.client().Tasks.Get(wire(t), "another")
	require.Error(t, err)
}

// A failed task may repeat secrets as well as a refused call.
func TestSecretsInTaskErrors(t *testing.T) {
	t.Parallel()
	s, d := newService(t), &diary{}
	said := vcav.APIError{Code: "X", Msg: "no " + givenToken, Args: []string{givenToken}, Stacktrace: givenToken}
	s.on("POST", failoverPath, taskAt("FAILED", 100, with("error", said)))
	poller, err := s.client().VMReplications.Failover(wire(t), ordersID, cloudFailover())
	require.NoError(t, err)
	_, err = poller.Wait(wire(t))
	d.print(err)
	assertKept(t, d.String(), givenToken)
}

// Inside of JSON a secret is escaped, and must be found all the same.
func TestEscapedSecrets(t *testing.T) {
	t.Parallel()
	const password = `Tr0ub"4dor<&>`
	s := newService(t)
	s.signsIn(givenToken)
	s.on("GET", "/diagnostics/about", echo(500, "X", password))
	ctx := drkit.OnResponse(wire(t), func(r drkit.Response) { assertKept(t, string(r.Body), password) })
	_, err := s.clientOf(vcav.LocalUser("root", drkit.NewSecret(password))).Diagnostics.About(ctx)
	require.Error(t, err)
}

func TestCredentialsThatCannotBeRight(t *testing.T) {
	t.Parallel()
	for name, credentials := range map[string]vcav.Credentials{
		"nil key": vcav.SSOToken(drkit.NewSecret("a"), (*rsa.PrivateKey)(nil)),
		"no org":  vcav.VCDCredentials("admin@", drkit.NewSecret("a")),
		"no user": vcav.VCDCredentials("@org1", drkit.NewSecret("a")),
	} {
		assert.NotPanics(t, func() {
			_, err := vcav.NewClient(appliance, credentials)
			assert.Error(t, err, name)
		}, name)
	}
}

func TestNegativePaging(t *testing.T) {
	t.Parallel()
	for _, l := range listers {
		s := newService(t)
		s.onAny(answer(t, 200, "vm_replications_list.answer"))
		_, err := drkit.Collect(l.list(wire(t), here(s.client()), -1, 0))
		require.Error(t, err)
		_, err = drkit.Collect(l.list(wire(t), here(s.client()), 0, -5))
		require.Error(t, err)
		assert.Empty(t, s.lines())
	}
}

// A sign-out that failed can be tried again: the session is alive, and somebody should end it.
func TestSignOutThatFailsCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.signsIn(givenToken)
	s.on("DELETE", "/sessions", answer(t, 500, "error"), httpmock.NewStringResponder(204, ""))
	client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))
	_, err := client.Sessions.SignIn(wire(t))
	require.NoError(t, err)
	require.Error(t, client.Sessions.End(wire(t)))
	require.NoError(t, client.Sessions.End(wire(t)))
	assert.Equal(t, []string{"POST /sessions", "DELETE /sessions", "DELETE /sessions"}, s.lines())
}

// A sign-in that was asked for by name is a call like any other.
func TestOperationIDOfASignIn(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.signsIn(givenToken)
	seen := 0
	ctx := drkit.OnResponse(drkit.WithOperationID(wire(t), "op-1"), func(drkit.Response) { seen++ })
	_, err := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse"))).Sessions.SignIn(ctx)
	require.NoError(t, err)
	assert.Equal(t, "op-1", s.only().header.Get("operationID"))
	assert.Equal(t, 1, seen)
}
