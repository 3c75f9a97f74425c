package vsphere_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/faulttest"
	"github.com/drkit-go/drkit/replication/vsphere"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// faultMatrix says for each fault and operation what comes of it: see [faulttest.Matrix]. What the service itself
// answers is believed once the look has found nothing; a page of a proxy never is. The one operation that is replaceable
// is the sign-out, which has the time of one attempt, and finds nobody signed in once it was heard.
const faultMatrix = `
fault                                                | read             | replaceable      | test             | cleanup          | promote          | configure
-----------------------------------------------------+------------------+------------------+------------------+------------------+------------------+------------------
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
answer past the attempt's time-out, without the work | 2/1 done         | 1/0 unavailable  | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
answer past the attempt's time-out, after the work   | 2/2 done         | 1/1 unavailable  | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
answer past the attempt's time-out, work after it    | 2/2 done         | 1/1 unavailable  | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
answer past the caller's context, without the work   | 1/0 canceled     | 1/0 canceled     | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
answer past the caller's context, after the work     | 1/1 canceled     | 1/1 canceled     | 1/1 recovered    | 1/1 recovered    | 1/1 recovered    | 1/1 recovered
answer past the caller's context, work after it      | 1/1 canceled     | 1/1 canceled     | 1/1 recovered    | 1/1 recovered    | 1/1 recovered    | 1/1 recovered
401 of the appliance, before the work                | 2/1 done         | 1/0 done         | 1/0 unauthorized | 1/0 unauthorized | 1/0 unauthorized | 1/0 unauthorized
401 of a proxy, before the work                      | 2/1 done         | 1/0 unauthorized | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
401 of a proxy, after the work                       | 2/2 done         | 1/1 unauthorized | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
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
		Unauthorized: faulttest.Answer{Status: http.StatusUnauthorized}, Forbidden: said(http.StatusForbidden),
		Throttled: said(http.StatusTooManyRequests), Failed: said(http.StatusInternalServerError),
		Overloaded: said(http.StatusServiceUnavailable),
		Malformed:  faulttest.Answer{Status: http.StatusOK, Type: "application/json", Body: `{"id":"HmsTask-1","stat`},
	}), startTrial)
}

// said is an error in the service's own words.
func said(status int) faulttest.Answer {
	return faulttest.Answer{
		Status: status, Type: "application/json",
		Body: `{"error_code":"NO","message":"No.","op_id":"0f3f8a8e-0000-4000-8000-000000000001"}`,
	}
}

// startTrial begins a trial of a column of [faultMatrix]. Its replication is paused, as for a test that is promoted.
func startTrial(t *testing.T, column string) faulttest.Trial[party] {
	pair := vspheretest.NewPair(t, vspheretest.TaskDuration(0, 30*time.Millisecond), vspheretest.RateLimits(0, 0, 0),
		vspheretest.Protect(vspheretest.Replication{VMName: "db-1", Paused: true}))
	server, resource := pair.Recovery, db1
	replication := "/pairings/" + server.PairingID() + "/replications/" + db1
	trial := faulttest.Trial[party]{Stop: pair.Close}
	operation := ""
	switch column {
	case "read":
		operation, trial.Request = "Replications.Get", "GET "+base+replication
		trial.Call = func(ctx context.Context, p party) (string, error) {
			replication, err := p.Replications.Get(ctx, db1)
			if err == nil && replication.Name != "db-1" {
				err = errors.New("it is another replication")
			}
			return "done", err
		}
	case "replaceable": // the one operation that may repeat
		operation, resource, trial.Request = "Sessions.End", "", "DELETE "+base+"/session"
		trial.Call = func(ctx context.Context, p party) (string, error) { return "done", p.Sessions.End(ctx) }
	case "test":
		operation, trial.Request = "Replications.Test", "POST "+base+replication+"/actions/test"
		spec := enter(t, server).testOf(pair.Replication(db1).Points[0].ID)
		trial.Call = func(ctx context.Context, p party) (string, error) {
			poller, err := p.Replications.Test(ctx, db1, spec)
			return faulttest.Follow(ctx, poller, err, func(vsphere.Task) error { return bubbles(pair, 1) })
		}
	case "cleanup":
		operation, trial.Request = "Replications.CleanUp", "POST "+base+replication+"/actions/cleanup"
		image := inTest(t, pair)
		trial.Call = func(ctx context.Context, p party) (string, error) {
			poller, err := p.Replications.CleanUp(ctx, db1, image)
			return faulttest.Follow(ctx, poller, err, func(vsphere.Task) error { return bubbles(pair, 0) })
		}
	case "promote":
		operation, trial.Request = "Replications.PromoteTestImage", "POST "+base+replication+"/actions/promote-test-image"
		image := inTest(t, pair)
		trial.Call = func(ctx context.Context, p party) (string, error) {
			poller, err := p.Replications.PromoteTestImage(ctx, db1, image)
			return faulttest.Follow(ctx, poller, err, func(vsphere.Task) error { return bubbles(pair, 0) })
		}
	case "configure":
		server, operation = pair.Protected, "Replications.Configure"
		trial.Request = "POST " + base + "/pairings/" + server.PairingID() + "/replications"
		planner := enter(t, server, fast)
		require.NoError(t, planner.signInRemotely(t.Context()))
		wanted := planner.configuration(t, "new-1")
		require.NoError(t, planner.Close(t.Context()))
		resource = wanted.VMID
		trial.Call = func(ctx context.Context, p party) (string, error) {
			poller, err := p.Replications.Configure(ctx, wanted)
			return faulttest.Follow(ctx, poller, err, func(vsphere.Task) error { return replicated(pair, 2) })
		}
	}
	trial.URL, trial.Transport = server.URL, server.Transport()
	trial.Ran = func() int { return server.Ran(operation, resource) }
	trial.Connect = func(ctx context.Context, endpoint string, options ...drkit.Option) (party, error) {
		client, err := vsphere.NewClient(endpoint, userOf(server), append(options, fast)...)
		if err != nil {
			return party{}, err
		}
		p := party{client, client.Pairing(server.PairingID()), server}
		return p, p.signInRemotely(ctx)
	}
	return trial
}

// inTest tests a replication behind the clients' backs, and returns the id of its image.
func inTest(t *testing.T, pair *vspheretest.Pair) string {
	t.Helper()
	body := fmt.Sprintf(`{"instance_id":%q,"folder_id":%q,"compute_resource_id":%q,"power_on":false}`,
		pair.Replication(db1).Points[0].ID, vspheretest.FolderID(pair.Recovery.Site), vspheretest.ResourcePoolID(pair.Recovery.Site))
	_, err := pair.Recovery.Operator("ann").Do("Replications.Test", db1, body)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return pair.Replication(db1).Image != nil }, 10*time.Second, 5*time.Millisecond)
	return pair.Replication(db1).Image.ID
}

// bubbles holds the number of test machines against what is there.
func bubbles(pair *vspheretest.Pair, wanted int) error {
	if got := len(pair.Recovery.TestMachines()); got != wanted {
		return fmt.Errorf("there are %d test machines", got)
	}
	return nil
}

func replicated(pair *vspheretest.Pair, wanted int) error {
	if got := len(pair.Replications()); got != wanted {
		return fmt.Errorf("there are %d replications", got)
	}
	return nil
}
