package unitrends_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/faulttest"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// faultMatrix says for each fault and operation what comes of it: see [faulttest.Matrix]. What the service itself
// answers is believed once the look has found nothing, since it refuses with a 500; a page of a proxy never is.
const faultMatrix = `
fault                                                | read             | replaceable      | accept           | reject           | target request   | job creation
-----------------------------------------------------+------------------+------------------+------------------+------------------+------------------+-----------------
none                                                 | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done
dial refused                                         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done
dial refused, lasting                                | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable
TLS fails                                            | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 done
TLS fails, lasting                                   | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable
reset before the request                             | 1/1 done         | 1/1 done         | 0/0 untouched or 1/1 done | 0/0 untouched or 1/1 done | 0/0 untouched or 1/1 done | 0/0 untouched or 1/1 done
reset mid-request                                    | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
reset after the request, before the work             | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
reset after the request, after the work              | 2/2 done         | 2/2 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
answer truncated, before the work                    | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
answer truncated, after the work                     | 2/2 done         | 1/1 done         | 1/1 done         | 1/1 done         | 1/1 adopted      | 1/1 adopted
answer past the attempt's time-out, without the work | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
answer past the attempt's time-out, after the work   | 2/2 done         | 2/2 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
answer past the attempt's time-out, work after it    | 2/2 done         | 2/2 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
answer past the caller's context, without the work   | 1/0 canceled     | 1/0 canceled     | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
answer past the caller's context, after the work     | 1/1 canceled     | 1/1 canceled     | 1/1 recovered    | 1/1 recovered    | 1/1 recovered    | 1/1 recovered
answer past the caller's context, work after it      | 1/1 canceled     | 1/1 canceled     | 1/1 recovered    | 1/1 recovered    | 1/1 recovered    | 1/1 recovered
401 of the appliance, before the work                | 2/1 done         | 2/1 done         | 1/0 unauthorized | 1/0 unauthorized | 1/0 unauthorized | 1/0 unauthorized
401 of a proxy, before the work                      | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
401 of a proxy, after the work                       | 2/2 done         | 2/2 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
403 of the appliance, before the work                | 1/0 forbidden    | 1/0 forbidden    | 1/0 forbidden    | 1/0 forbidden    | 1/0 forbidden    | 1/0 forbidden
403 of a proxy, before the work                      | 1/0 forbidden    | 1/0 forbidden    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
403 of a proxy, after the work                       | 1/1 forbidden    | 1/1 forbidden    | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
429 with Retry-After, before the work                | 2/1 done         | 2/1 done         | 1/0 status 429   | 1/0 status 429   | 1/0 status 429   | 1/0 status 429
429 with Retry-After, after the work                 | 2/2 done         | 2/2 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
500, before the work                                 | 1/0 status 500   | 1/0 status 500   | 1/0 status 500   | 1/0 status 500   | 1/0 status 500   | 1/0 status 500
500, after the work                                  | 1/1 status 500   | 1/1 status 500   | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
502, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
502, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
503, before the work                                 | 2/1 done         | 2/1 done         | 1/0 unavailable  | 1/0 unavailable  | 1/0 unavailable  | 1/0 unavailable
503, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
503, before the work, lasting                        | 4/0 unavailable  | 4/0 unavailable  | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
503, after the work, lasting                         | 4/4 unavailable  | 4/4 unavailable  | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
504, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
504, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
HTML 200 of a proxy, before the work                 | 1/0 unusable     | 1/0 unusable     | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
HTML 200 of a proxy, after the work                  | 1/1 unusable     | 1/1 unusable     | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
malformed answer, 200, before the work               | 1/0 unusable     | 1/0 unusable     | 1/0 untouched    | 1/0 untouched    | 1/0 untouched    | 1/0 untouched
malformed answer, 200, after the work                | 1/1 unusable     | 1/1 unusable     | 1/1 adopted      | 1/1 adopted      | 1/1 adopted      | 1/1 adopted
`

func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	faulttest.Matrix(t, faultMatrix, faulttest.Faults(faulttest.Answers{
		Unauthorized: said(http.StatusUnauthorized), Forbidden: said(http.StatusForbidden),
		Throttled: said(http.StatusTooManyRequests), Failed: said(http.StatusInternalServerError),
		Overloaded: said(http.StatusServiceUnavailable),
		Malformed:  faulttest.Answer{Status: http.StatusOK, Type: "application/json", Body: `{"appliance":[{"id":`},
	}), startTrial)
}

// said is an error in the appliance's own words.
func said(status int) faulttest.Answer {
	return faulttest.Answer{Status: status, Type: "application/json", Body: `{"result":[{"code":9,"message":"No."}]}`}
}

// startTrial begins a trial of a column of [faultMatrix].
func startTrial(t *testing.T, column string) faulttest.Trial[*unitrends.Client] {
	pair := unitrendstest.NewPair(t, unitrendstest.Settling(30*time.Millisecond))
	server, operation, resource := pair.Target, "Sources.Decide", "1"
	var trial faulttest.Trial[*unitrends.Client]
	switch column {
	case "read":
		operation, resource, trial.Request = "Systems.List", "", "GET /api/systems/"
		trial.Call = func(ctx context.Context, client *unitrends.Client) (string, error) {
			systems, err := client.Systems.List(ctx, unitrends.SystemQuery{IncludePending: drkit.Some(true)})
			if err == nil && len(systems) != 1 {
				err = fmt.Errorf("there are %d systems", len(systems))
			}
			return "done", err
		}
	case "replaceable":
		operation, resource, trial.Request = "Config.Update", "", "PUT /api/replication/config"
		trial.Call = func(ctx context.Context, client *unitrends.Client) (string, error) {
			_, err := client.Config.Update(ctx, unitrends.ConfigUpdate{MaxConcurrent: drkit.Some(3)})
			return "done", err
		}
	case "accept":
		resource = asked(t, pair)
		trial.Request = "POST /api/replication/source"
		trial.Call = func(ctx context.Context, client *unitrends.Client) (string, error) {
			poller, err := client.Sources.Accept(ctx, unitrends.ID(resource), unitrends.Acceptance{})
			return faulttest.Follow(ctx, poller, err, func(s unitrends.System) error { return named("branch", s.Name) })
		}
	case "reject":
		resource = asked(t, pair)
		trial.Request = "POST /api/replication/source"
		trial.Call = func(ctx context.Context, client *unitrends.Client) (string, error) {
			poller, err := client.Sources.Reject(ctx, unitrends.ID(resource), "ask the backup team")
			return faulttest.Follow(ctx, poller, err, func(s unitrends.System) error { return named(resource, string(s.RequestID)) })
		}
	case "target request":
		server, operation, resource, trial.Request = pair.Source, "Targets.Request", "vault", "POST /api/replication/target"
		acceptAll(t, pair.Target)
		trial.Call = func(ctx context.Context, client *unitrends.Client) (string, error) {
			poller, err := client.Targets.Request(ctx, unitrends.TargetRequest{"target": "vault"})
			return faulttest.Follow(ctx, poller, err, func(s unitrends.Target) error { return named("vault", s.Name) })
		}
	case "job creation":
		server, operation, resource, trial.Request = pair.Source, "JobOrders.Create", "nightly", "POST /api/joborders"
		_, target := pair.Connect()
		order := unitrends.ReplicationJobOrder{Name: "nightly", Instances: []unitrends.ID{unitrends.ID(fmt.Sprint(pair.Source.AssetID("db-1")))}, TargetID: unitrends.ID(fmt.Sprint(target))}
		trial.Call = func(ctx context.Context, client *unitrends.Client) (string, error) {
			poller, err := client.JobOrders.Create(ctx, order)
			return faulttest.Follow(ctx, poller, err, func(o unitrends.JobOrder) error { return named("nightly", o.Name) })
		}
	}
	trial.URL, trial.Transport, trial.Stop = server.URL, server.Transport(), pair.Close
	trial.Connect = func(ctx context.Context, endpoint string, options ...drkit.Option) (*unitrends.Client, error) {
		client, err := unitrends.NewClient(endpoint, unitrends.Login(server.User, drkit.NewSecret(server.Password)), options...)
		if err != nil {
			return nil, err
		}
		return client, client.Sessions.SignIn(ctx)
	}
	trial.Ran = func() int { return server.Ran(operation, resource) }
	return trial
}

// asked lets the source of a pair ask, and returns the id of its request.
func asked(t *testing.T, pair *unitrendstest.Pair) string {
	t.Helper()
	if err := pair.Source.Operator("ann").RequestTarget("vault"); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(pair.Target.Audit().Incoming[0].ID)
}

// acceptAll is a person at the target who accepts whatever is asked, until the test ends.
func acceptAll(t *testing.T, target *unitrendstest.Server) {
	t.Helper()
	var person sync.WaitGroup
	person.Go(func() {
		for t.Context().Err() == nil {
			for _, request := range target.Audit().Incoming {
				if request.State == "pending" {
					_ = target.Operator("ann").Accept(request.ID, 0) // it may be gone
				}
			}
			select {
			case <-t.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	t.Cleanup(person.Wait)
}

func named(wanted, got string) error {
	if wanted != got {
		return fmt.Errorf("the result is about %q", got)
	}
	return nil
}
