package cloudreplica_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
	"github.com/drkit-go/drkit/internal/faulttest"
)

// faultMatrix says for each fault and operation what comes of it: see [faulttest.Matrix]. What the service itself
// answers is believed once the look has found nothing, since it refuses with a 500; a page of a proxy never is.
const faultMatrix = `
fault                                                | read             | replaceable      | start            | test             | undo             | create
-----------------------------------------------------+------------------+------------------+------------------+------------------+-----------------+-----------------
none                                                 | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done
dial refused                                         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done
dial refused, lasting                                | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable
TLS fails                                            | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done
TLS fails, lasting                                   | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable
reset before the request                             | 1/1 done         | 1/1 done         | 0/0 untouched or 1/1 done | 0/0 untouched or 1/1 done | 0/0 untouched or 1/1 done | 0/0 untouched or 1/1 done
reset mid-request                                    | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
reset after the request, before the work             | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
reset after the request, after the work              | 2/2 done         | 2/1 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
answer truncated, before the work                    | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
answer truncated, after the work                     | 2/2 done         | 1/1 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
answer past the attempt's time-out, without the work | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
answer past the attempt's time-out, after the work   | 2/2 done         | 2/1 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
answer past the attempt's time-out, work after it    | 2/2 done         | 2/1 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
answer past the caller's context, without the work   | 1/0 canceled     | 1/0 canceled     | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
answer past the caller's context, after the work     | 1/1 canceled     | 1/1 canceled     | 1/1 recovered    | 1/1 recovered    | 1/1 recovered    | 1/1 recovered
answer past the caller's context, work after it      | 1/1 canceled     | 1/1 canceled     | 1/1 recovered    | 1/1 recovered    | 1/1 recovered    | 1/1 recovered
401 of the appliance, before the work                | 2/1 done         | 1/0 gone         | 2/1 done         | 2/1 done         | 2/1 done         | 2/1 done
401 of a proxy, before the work                      | 2/1 done         | 1/0 gone         | 1/0 unknown      | 1/0 unknown      | 1/0 unknown      | 1/0 unknown
401 of a proxy, after the work                       | 2/2 done         | 1/1 gone         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
403 of the appliance, before the work                | 1/0 forbidden    | 1/0 forbidden    | 1/0 forbidden    | 1/0 forbidden    | 1/0 forbidden    | 1/0 forbidden
403 of a proxy, before the work                      | 1/0 forbidden    | 1/0 forbidden    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
403 of a proxy, after the work                       | 1/1 forbidden    | 1/1 forbidden    | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
429 with Retry-After, before the work                | 2/1 done         | 2/1 done         | 1/0 status 429   | 1/0 status 429   | 1/0 status 429   | 1/0 status 429
429 with Retry-After, after the work                 | 2/2 done         | 2/1 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
500, before the work                                 | 1/0 status 500   | 1/0 status 500   | 1/0 status 500   | 1/0 status 500   | 1/0 status 500   | 1/0 status 500
500, after the work                                  | 1/1 status 500   | 1/1 status 500   | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
502, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
502, after the work                                  | 2/2 done         | 2/1 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
503, before the work                                 | 2/1 done         | 2/1 done         | 1/0 unavailable  | 1/0 unavailable  | 1/0 unavailable  | 1/0 unavailable
503, after the work                                  | 2/2 done         | 2/1 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
503, before the work, lasting                        | 4/0 unavailable  | 4/0 unavailable  | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
503, after the work, lasting                         | 4/4 unavailable  | 4/1 unavailable  | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
504, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
504, after the work                                  | 2/2 done         | 2/1 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
HTML 200 of a proxy, before the work                 | 1/0 unusable     | 1/0 unusable     | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
HTML 200 of a proxy, after the work                  | 1/1 unusable     | 1/1 unusable     | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
malformed answer, 200, before the work               | 1/0 unusable     | 1/0 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
malformed answer, 200, after the work                | 1/1 unusable     | 1/1 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
`

func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	faulttest.Matrix(t, faultMatrix, faulttest.Faults(faulttest.Answers{
		Unauthorized: said(http.StatusUnauthorized), Forbidden: said(http.StatusForbidden),
		Throttled: said(http.StatusTooManyRequests), Failed: said(http.StatusInternalServerError),
		Overloaded: said(http.StatusServiceUnavailable),
		Malformed:  faulttest.Answer{Status: http.StatusOK, Type: "application/xml", Body: `<Task xmlns="http://www.veeam.com/ent/v1.0" Type="Task"><TaskId>`},
	}), startTrial)
}

// said is an error in the service's own words.
func said(status int) faulttest.Answer {
	return faulttest.Answer{Status: status, Type: "application/xml", Body: fmt.Sprintf(
		`<Error xmlns="http://www.veeam.com/ent/v1.0" Message="No." StatusCode="%d"/>`, status)}
}

// startTrial begins a trial of a column of [faultMatrix].
func startTrial(t *testing.T, column string) faulttest.Trial[*cloudreplica.Client] {
	t.Helper()
	server, err := cloudreplicatest.Start(cloudreplicatest.TaskDuration(10*time.Millisecond, 10*time.Millisecond),
		cloudreplicatest.FailoverDuration(10*time.Millisecond, 10*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(server.Close)
	operation, resource := "FailoverPlans.Start", acmePlan
	trial := faulttest.Trial[*cloudreplica.Client]{
		URL: server.URL, Transport: server.Transport(), Stop: server.Close,
		Request: "POST /api/cloud/cloudFailoverPlans/" + acmePlan,
		Connect: func(ctx context.Context, endpoint string, options ...drkit.Option) (*cloudreplica.Client, error) {
			return connect(ctx, server, endpoint, options)
		},
	}
	succeeded := func(session cloudreplica.CloudFailoverSession) error { return session.Err() }
	switch column {
	case "read":
		operation, resource, trial.Request = "FailoverPlans.Get", acmePlan, "GET /api/cloud/cloudFailoverPlans/"+acmePlan
		trial.Call = func(ctx context.Context, client *cloudreplica.Client) (string, error) {
			_, err := client.FailoverPlans.Get(ctx, acmePlan)
			return "done", err
		}
	case "replaceable":
		operation, resource, trial.Request = "Tasks.Delete", "task-1", "DELETE /api/tasks/task-1"
		trial.Connect = func(ctx context.Context, endpoint string, options ...drkit.Option) (*cloudreplica.Client, error) {
			client, err := connect(ctx, server, endpoint, options)
			if err == nil {
				_, err = client.BackupServers.Collect(ctx, vbr01)
			}
			return client, err
		}
		trial.Call = func(ctx context.Context, client *cloudreplica.Client) (string, error) {
			err := client.Tasks.Delete(ctx, "task-1")
			if errors.Is(err, drkit.ErrNotFound) {
				return "gone", nil // with its session: in another, the number may be that of other work
			}
			return "done", err
		}
	case "start":
		trial.Call = func(ctx context.Context, client *cloudreplica.Client) (string, error) {
			poller, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
			return faulttest.Follow(ctx, poller, err, succeeded)
		}
	case "test":
		operation = "FailoverPlans.Test"
		trial.Call = func(ctx context.Context, client *cloudreplica.Client) (string, error) {
			poller, err := client.FailoverPlans.Test(ctx, acmePlan)
			return faulttest.Follow(ctx, poller, err, succeeded)
		}
	case "create":
		operation, resource, trial.Request = "Tenants.Create", "hooli", "POST /api/cloud/tenants"
		trial.Call = func(ctx context.Context, client *cloudreplica.Client) (string, error) {
			poller, err := client.Tenants.Create(ctx, newTenant("hooli"))
			return faulttest.Follow(ctx, poller, err, func(made cloudreplica.CloudTenant) error {
				if made.Name != "hooli" {
					return fmt.Errorf("%q was made", made.Name)
				}
				return nil
			})
		}
	case "undo":
		operation = "FailoverPlans.Undo"
		failOver(t, server)
		trial.Call = func(ctx context.Context, client *cloudreplica.Client) (string, error) {
			poller, err := client.FailoverPlans.Undo(ctx, acmePlan)
			return faulttest.Follow(ctx, poller, err, func(state cloudreplica.PlanState) error {
				if !state.Ready() {
					return fmt.Errorf("%v are not ready", state.NotReady())
				}
				return nil
			})
		}
	}
	trial.Ran = func() int { return server.Audit().Operation(operation, resource).Ran }
	if column == "read" { // which is no deed, and so not in the audit
		trial.Ran = func() int { return server.Count(operation) }
	}
	call := trial.Call
	trial.Call = func(ctx context.Context, client *cloudreplica.Client) (string, error) {
		end, err := call(ctx, client)
		var unknown *drkit.OutcomeUnknownError
		if errors.As(err, &unknown) && !unknown.Untouched {
			return "unknown", nil
		}
		return end, err
	}
	return trial
}

func connect(ctx context.Context, server *cloudreplicatest.Server, endpoint string, options []drkit.Option) (*cloudreplica.Client, error) {
	client, err := cloudreplica.NewClient(endpoint, cloudreplica.Login(server.User, drkit.NewSecret(server.Password)), options...)
	if err != nil {
		return nil, err
	}
	_, err = client.Sessions.SignIn(ctx)
	return client, err
}

// failOver lets somebody fail a plan over, and data be collected over and over from then on.
func failOver(t *testing.T, server *cloudreplicatest.Server) {
	t.Helper()
	_, err := server.Operator("ann").Do("FailoverPlans.Start", acmePlan, `{"StartNow":true}`)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return server.Audit().Plan(acmePlan).Succeeded == 1 }, 10*time.Second, time.Millisecond)
	server.Collect()
	var job sync.WaitGroup
	job.Go(func() {
		for t.Context().Err() == nil {
			server.Collect()
			select {
			case <-t.Context().Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	t.Cleanup(job.Wait)
}
