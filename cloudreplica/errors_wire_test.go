package cloudreplica_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/internal/wiretest"
)

// An error answer comes in either encoding, whatever was asked for, or is somebody else's.
func TestErrorForms(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status  int
		body    string
		foreign bool
		message string
		kind    error
	}{
		"XML":                       {404, `<Error xmlns="http://www.veeam.com/ent/v1.0" Message="No &quot;x&quot;." StatusCode="404" Status="NotFound"/>`, false, `No "x".`, drkit.ErrNotFound},
		"XML without its namespace": {403, `<Error Message="No." StatusCode="403"/>`, false, "No.", drkit.ErrForbidden},
		"XML with elements":         {500, `<Error Message="No." StatusCode="500"><FirstChanceExceptionMessage>deeper</FirstChanceExceptionMessage><StackTrace>at X</StackTrace></Error>`, false, "No. (deeper)", nil},
		"XML that repeats itself":   {500, `<Error Message="No." StatusCode="500" FirstChanceExceptionMessage="No."/>`, false, "No.", nil},
		"XML of what is inside":     {500, `<Error StatusCode="500" FirstChanceExceptionMessage="deeper"/>`, false, "(deeper)", nil},
		"JSON":                      {400, `{"FirstChanceExceptionMessage":null,"Message":"No.","StackTrace":null,"Status":null,"StatusCode":400}`, false, "No.", nil},
		"JSON of 13.0":              {400, "\xef\xbb\xbf" + `{"message":"No.","statusCode":400}`, false, "No.", nil},
		"a gateway":                 {404, `{"message":"no Route matched"}`, true, "", drkit.ErrUnavailable},
		"another status":            {502, `{"Message":"x","StatusCode":400}`, true, "", drkit.ErrUnavailable},
		"web page":                  {503, "<html><body>down</body></html>", true, "", drkit.ErrUnavailable},
		"nothing":                   {500, "", true, "", nil},
		"text":                      {500, "broken", true, "broken", nil},
		"a long text":               {500, strings.Repeat("é", 150) + "x", true, strings.Repeat("é", 150) + "…", nil},
		"a text cut in a character": {500, "x" + strings.Repeat("é", 150), true, "x" + strings.Repeat("é", 149) + "…", nil},
	} {
		for _, speaks := range []dialect{inXML, inJSON} {
			t.Run(name+" asked in "+speaks.name, func(t *testing.T) {
				t.Parallel()
				s := newService(t, speaks)
				s.OnAny(s.says(tc.status, tc.body))
				_, err := s.client(drkit.WithRetry(drkit.RetryPolicy{Attempts: 1})).Replicas.List(sending(t))
				answer := answerOf(t, err)
				assert.Equal(t, tc.foreign, answer.Foreign)
				message := answer.Message
				if tc.foreign {
					_, message, _ = strings.Cut(message, "): ") // behind what drkit says of it
				}
				if tc.message != "" {
					assert.Equal(t, tc.message, message)
				}
				if tc.kind != nil {
					require.ErrorIs(t, err, tc.kind)
				}
				assert.NotContains(t, err.Error(), "\n")
			})
		}
	}
}

// An answer that is not what was asked for is none: a document of another kind, or references for entities.
func TestAnswersOfAnotherKind(t *testing.T) {
	t.Parallel()
	for _, speaks := range []dialect{inXML, inJSON} {
		s := newService(t, speaks)
		others := map[string]string{
			"gateway": `{"status":"ok"}`, "page": "<html><body/></html>", "empty page": "<html/>", "empty object": "{}", "null": "null",
			"text": `"ok"`, "number": "1", "nothing": "", "mark alone": "\xef\xbb\xbf", "list of texts": `["ok"]`,
			"another namespace": `<CloudReplicas xmlns="http://www.w3.org/1999/xhtml"/>`, "no namespace": `<CloudReplicas/>`,
			"a task": s.sample("tasks_get.answer"),
		}
		for name, body := range others {
			t.Run(name+" in "+speaks.name, func(t *testing.T) {
				t.Parallel()
				for _, tc := range wireCases(t) {
					if tc.answer == "" || name == "a task" && (strings.HasPrefix(tc.operation, "Tasks.") || tc.want == watched("task-7")) {
						continue
					}
					s := newService(t, speaks)
					s.OnAny(s.says(tc.status, body))
					_, err := tc.call(sending(t), s.client(drkit.WithRetry(drkit.RetryPolicy{Attempts: 1})))
					require.ErrorContains(t, err, "the answer cannot be used", "%s", tc.name())
				}
			})
		}
	}
	for _, speaks := range dialects() {
		s := newService(t, speaks)
		s.OnAny(s.answers(200, "replicas_list.refs.answer"))
		_, err := s.client().Replicas.List(sending(t))
		require.ErrorContains(t, err, "number 1 is nothing of what was asked for", speaks.name)
		s = newService(t, speaks)
		s.OnAny(s.answers(200, "replicas_get.ref.answer"))
		_, err = s.client().Replicas.Get(sending(t), replicaID)
		require.ErrorContains(t, err, "nothing of what was asked for", speaks.name)
		s = newService(t, speaks)
		s.OnAny(s.answers(200, "replicas_get.answer"))
		_, err = s.client().Replicas.Get(sending(t), "c91d7b59-cc74-5f60-a7b2-081e72013f02")
		require.ErrorContains(t, err, `"`+replicaID+`" instead of what was asked for`, speaks.name)
	}
}

// An empty list is one, in all its forms.
func TestEmptyLists(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`<CloudReplicas xmlns="http://www.veeam.com/ent/v1.0"/>`, `<CloudReplicas xmlns="http://www.veeam.com/ent/v1.0"> </CloudReplicas>`,
		`{"CloudReplicas":[]}`, `{"CloudReplicas":null}`, `{"cloudReplicas":""}`, `{"CloudReplicas":{"CloudReplicas":[]}}`, "[]",
	} {
		s := newService(t, inXML)
		s.OnAny(s.says(200, body))
		replicas, err := s.client().Replicas.List(sending(t))
		require.NoError(t, err, body)
		assert.Empty(t, replicas)
	}
}

// What must not repeat has an unknown outcome where its answer is broken.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]httpmock.Responder{
		"half XML":  httpmock.NewStringResponder(202, `<Task xmlns="http://www.veeam.com/ent/v1.0"><TaskId>task-1</TaskId>`),
		"half JSON": httpmock.NewStringResponder(202, `{"TaskId":"task-1"`),
		"no task":   httpmock.NewStringResponder(202, `{"TaskId":null}`),
		"no body":   httpmock.NewStringResponder(202, ""),
		"broken":    wiretest.BrokenOff(202, "<Task"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, inXML)
			s.OnAny(answer)
			_, err := s.client().FailoverPlans.Start(sending(t), planID, cloudreplica.FailoverStart{})
			require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
			assert.Equal(t, []string{startLine}, s.Lines())
		})
	}
}

func TestArgumentsThatCannotBeRight(t *testing.T) {
	t.Parallel()
	s := newService(t, inXML)
	client := s.client()
	_, err := client.Replicas.Get(sending(t), "")
	require.ErrorContains(t, err, "replicaId is empty")
	_, err = client.FailoverPlans.Get(sending(t), "urn:veeam:CloudFailoverPlan:"+planID)
	require.ErrorContains(t, err, `cloudreplica.FailoverPlans.Get: "urn:veeam:CloudFailoverPlan:`+planID+`" is a UID, and the id is wanted`)
	_, err = client.FailoverPlans.Delete(t.Context(), "urn:veeam:CloudFailoverPlan:"+planID)
	require.ErrorContains(t, err, "is a UID")
	_, err = client.FailoverPlans.Start(sending(t), "..", cloudreplica.FailoverStart{})
	require.ErrorContains(t, err, "is not an id")
	_, err = client.Tenants.Update(sending(t), tenantID, cloudreplica.CloudTenantEdit{})
	require.ErrorContains(t, err, "TenantType names none of its members")
	both := cloudreplica.TenantTypeEdit{StandaloneTenant: everyTenantEdit().TenantType.StandaloneTenant, ADTenantType: directoryEdit().ADTenantType}
	_, err = client.Tenants.Update(sending(t), tenantID, cloudreplica.CloudTenantEdit{TenantType: both})
	require.ErrorContains(t, err, "or several")
	_, err = client.Subtenants.Create(sending(t), tenantID, cloudreplica.CloudSubtenantCreateSpec{Name: "a\x00b"})
	require.ErrorContains(t, err, "characters that cannot be sent")
	assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	assert.Empty(t, s.Lines())
}

// Neither errors nor logs nor who observes answers see a secret, nor the id of the session, of which newer versions
// make the token.
func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	const password = `Tr0ub"4dor<&>'`
	for _, speaks := range dialects() {
		t.Run(speaks.name, func(t *testing.T) {
			t.Parallel()
			var shown strings.Builder
			ctx := drkit.OnResponse(sending(t), func(r drkit.Response) {
				shown.Write(r.Body)
				for name, values := range r.Header {
					shown.WriteString(name + strings.Join(values, " "))
				}
			})
			s := newService(t, speaks)
			s.signsIn("sessions_sign_in.answer", givenToken)
			s.On("DELETE", "/api/logonSessions/"+logonID, s.answers(204, ""))
			document := `<Error Message="you are Tr0ub&quot;4dor&lt;&amp;&gt;&#39; of ` + givenToken + ` in ` + logonID + `" StatusCode="400" Password="hunter2"><Password>hunter2</Password></Error>`
			if speaks.extension == ".json" {
				document = `{"Message":"you are Tr0ub\"4dor<&>' of ` + givenToken + ` in ` + logonID + `","StatusCode":400,"Password":"hunter2"}`
			}
			s.On("GET", "/api/tasks", s.says(400, document))
			logger := slog.New(slog.NewTextHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug}))
			client := s.clientOf(cloudreplica.Login("ops", drkit.NewSecret(password)), drkit.WithLogger(logger))
			_, err := client.Tasks.List(ctx)
			require.Error(t, err)
			_, err2 := client.Sessions.SignIn(ctx)
			require.NoError(t, err2)
			shown.WriteString(err.Error())
			for _, secret := range []string{password, `Tr0ub`, givenToken, logonID, "hunter2", basic("ops", password)[0][6:]} {
				assert.NotContains(t, shown.String(), secret)
			}
			assert.Contains(t, shown.String(), "[redacted]")
		})
	}
}

// Whoever signs in, and for whom: no secret shows, however somebody repeats it.
func TestSecretsOfAllCredentials(t *testing.T) {
	t.Parallel()
	const own, theirs = "correct horse", "pier nine"
	provider := cloudreplica.Login("ops", drkit.NewSecret(own))
	for name, credentials := range map[string]cloudreplica.Credentials{
		"account": provider, "tenant": cloudreplica.TenantLogin(provider, "Tidewater", drkit.NewSecret(theirs)),
		"organization": cloudreplica.OrganizationLogin(provider, "northwind", "mate", drkit.NewSecret(theirs)),
		"token":        cloudreplica.Token(drkit.NewSecret(givenToken)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secrets := []string{own, basic("ops", own)[0][len("Basic "):]}
			switch name {
			case "tenant", "organization":
				secrets = append(secrets, theirs)
			case "token":
				secrets = []string{givenToken}
			}
			s := newService(t, inJSON)
			s.OnAny(s.says(400, `{"Message":"what is `+strings.Join(secrets, " or ")+`?","StatusCode":400}`))
			_, err := s.clientOf(credentials).BackupServers.List(sending(t))
			require.ErrorContains(t, err, "[redacted]")
			for _, secret := range secrets {
				assert.NotContains(t, err.Error(), secret)
			}
		})
	}
}
