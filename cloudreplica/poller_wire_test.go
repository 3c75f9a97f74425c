package cloudreplica_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/wiretest"
)

const failoverSessionID = "428b33e2-92dc-5325-a7ab-4fbc3a84681c"

// task returns a task as XML.
func task(state, inside string) string {
	return `<Task xmlns="http://www.veeam.com/ent/v1.0" Href="x" Type="Task"><TaskId>task-7</TaskId><State>` + state +
		`</State><Operation>StartCloudFailoverPlan</Operation>` + inside + `</Task>`
}

const (
	ok      = `<Result Success="true"><Message>Ok</Message></Result>`
	related = `<Links><Link Rel="Delete" Href="x"/><Link Rel="Related" Type="CloudFailoverSession" Href="https://em01.corp.local:9398/api/cloud/failoverSessions/` + failoverSessionID + `?format=Entity"/></Links>`
)

func session(state, result, message string) string {
	return `<CloudFailoverSession xmlns="http://www.veeam.com/ent/v1.0" Href="x" Type="CloudFailoverSession" Name="Tidewater site" UID="urn:veeam:CloudFailoverSession:` +
		failoverSessionID + `"><State>` + state + `</State><Result>` + result + `</Result><Progress>40</Progress><FailureMessage>` + message + `</FailureMessage></CloudFailoverSession>`
}

// A failover is followed from its task to the end of its session: the task ends well once the session has begun.
func TestFailoverToItsEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tasks, sessions []string
		failure         string
		result          cloudreplica.SessionResult
	}{
		"well": {
			[]string{task("Running", ""), task("OperationFinished", ok), task("Finished", ok+related)},
			[]string{session("Starting", "None", ""), session("Working", "None", ""), session("Stopped", "Success", "")},
			"", "Success",
		},
		"in part": {[]string{task("Finished", ok+related)}, []string{session("Stopped", "Warning", "one")}, "", "Warning"},
		"badly":   {[]string{task("Finished", ok+related)}, []string{session("Stopped", "Failed", "no host")}, "task on Tidewater site failed: no host", ""},
		"in no known way": {
			[]string{task("Finished", ok+related)},
			[]string{session("Stopping", "Failed", ""), session("Stopped", "None", "who knows")},
			"task on Tidewater site failed: who knows", "",
		},
		"in its task":    {[]string{task("Finished", `<Result Success="false"><Message>No plan</Message></Result>`)}, nil, "task failed: No plan", ""},
		"without a word": {[]string{task("Finished", `<Result Success="false"/>`)}, nil, "task failed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, inXML)
				s.On("POST", planPath, s.says(202, task("Running", "")))
				for path, texts := range map[string][]string{"/api/tasks/task-7": tc.tasks, "/api/cloud/failoverSessions/" + failoverSessionID: tc.sessions} {
					if texts != nil {
						answers := responders(s, texts)
						s.On("GET", path, answers...)
					}
				}
				client := s.client()
				poller, err := client.FailoverPlans.Start(sending(t), planID, cloudreplica.FailoverStart{})
				require.NoError(t, err)
				done, err := poller.Wait(context.Background())
				if tc.failure != "" {
					var failed *drkit.TaskError
					require.ErrorAs(t, err, &failed)
					require.ErrorContains(t, err, "cloudreplica.FailoverPlans.Start: "+tc.failure)
					assert.Equal(t, "task-7", failed.TaskID)
				} else {
					require.NoError(t, err)
					assert.Equal(t, tc.result, done.Result)
					assert.Equal(t, cloudreplica.SessionStateStopped, done.State)
				}
				require.NoError(t, client.Close(context.Background()))
			})
		})
	}
}

// What the end of a task leads to is asked of this client's own address, whatever host the link names.
func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	s := newService(t, inJSON)
	s.On("POST", "/api/cloud/tenants", s.answers(202, "tenants_create.answer"))
	s.On("GET", "/api/tasks/task-7", s.says(200, `{"TaskId":"task-7","State":"Finished","Operation":"CreateCloudTenant","Result":{"Message":"Ok","Success":true},
		"Links":[{"Rel":"Related","Type":"CloudTenant","Href":"https://evil.example.com/api/cloud/tenants/`+tenantID+`?format=Entity"}]}`))
	s.On("GET", tenantPath, s.answers(200, "tenants_get.answer"))
	poller, err := s.client().Tenants.Create(sending(t), everyTenantSpec(t))
	require.NoError(t, err)
	made, err := poller.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "Tidewater", made.Name)
	assert.Equal(t, []string{"POST /api/cloud/tenants", "GET /api/tasks/task-7", "GET " + tenantPath + "?format=Entity"}, s.Lines())
}

// A look that cannot be believed is one that failed.
func TestLooksThatFail(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		"does not say how":                  task("Finished", ""),
		"no link to a CloudFailoverSession": task("Finished", ok),
		"has no link to a Cloud":            task("Finished", ok+`<Links><Link Rel="Related" Type="CloudFailoverSession"/></Links>`),
	} {
		s := newService(t, inXML)
		s.On("POST", planPath, s.says(202, task("Running", "")))
		s.On("GET", "/api/tasks/task-7", s.says(200, text))
		poller, err := s.client().FailoverPlans.Start(sending(t), planID, cloudreplica.FailoverStart{})
		require.NoError(t, err)
		_, err = poller.Poll(t.Context())
		require.ErrorContains(t, err, want)
		assert.False(t, poller.Done())
		_, err = poller.Result()
		require.ErrorIs(t, err, drkit.ErrNotDone)
	}
}

// What leaves nothing to get is done when its task is.
func TestWorkWithoutAResult(t *testing.T) {
	t.Parallel()
	s := newService(t, inXML)
	s.On("DELETE", planPath, s.answers(202, "failover_plans_delete.answer"))
	s.On("GET", "/api/tasks/task-7", s.says(200, strings.ReplaceAll(task("Finished", ok), "StartCloud", "DeleteCloud")))
	poller, err := s.client().FailoverPlans.Delete(sending(t), planID)
	require.NoError(t, err)
	result, err := poller.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, cloudreplica.NoResult{}, result)
}

// A token names the Enterprise Manager by the name that it has in links, whatever its port and address; where none is
// known, by its address.
func TestWhoseTokensAre(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		credentials     cloudreplica.Credentials
		session         func(s *service) string
		appliance, user string
	}{
		"by links":         {ops(), func(s *service) string { return s.sample("sessions_sign_in.answer") }, "em01.corp.local", `HARBOR\ops`},
		"without links":    {ops(), func(*service) string { return `{"SessionId":"` + logonID + `","UserName":"ops"}` }, "em.example.com", "ops"},
		"of a given token": {cloudreplica.Token(drkit.NewSecret(givenToken)), nil, "em.example.com", "the owner of a given token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, inXML)
			if tc.session != nil {
				s.On("POST", "/api/sessionMngr/", wiretest.WithHeader(s.says(201, tc.session(s)), "X-RestSvcSessionId", givenToken))
			}
			s.On("DELETE", "/api/logonSessions/"+logonID, s.answers(204, ""))
			s.On("POST", "/api/backupServers/"+serverID, s.says(202, task("Running", "")))
			poller, err := s.clientOf(tc.credentials).BackupServers.Collect(sending(t), serverID)
			require.NoError(t, err)
			text, err := poller.ResumeToken(t.Context())
			require.NoError(t, err)
			token, err := step.ParseToken(text)
			require.NoError(t, err)
			assert.Equal(t, tc.appliance, token.Appliance)
			assert.Equal(t, tc.user, token.User)
		})
	}
}

// Waits end with the client.
func TestCloseEndsWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, inXML)
		s.On("POST", planPath, s.says(202, task("Running", "")))
		s.On("GET", "/api/tasks/task-7", s.says(200, task("Running", "")))
		client := s.client()
		poller, err := client.FailoverPlans.Undo(sending(t), planID)
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() {
			_, err := poller.Wait(context.Background())
			ended <- err
		}()
		synctest.Wait()
		require.NoError(t, client.Close(context.Background()))
		assert.ErrorIs(t, <-ended, drkit.ErrClosed)
	})
}
