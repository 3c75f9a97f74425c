package vcav_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/faulttest"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// faultMatrix says for each fault and each class of operation what comes of it: see [faulttest.Matrix]. What a read
// is, and what is replaceable, is in startTrial.
const faultMatrix = `
fault                                                | read             | replaceable      | once
-----------------------------------------------------+------------------+------------------+----------------
none                                                 | 1/1 done         | 1/1 done         | 1/1 done
dial refused                                         | 1/1 done         | 1/1 done         | 1/1 done
dial refused, lasting                                | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable
TLS fails                                            | 1/1 done         | 1/1 done         | 1/1 done
TLS fails, lasting                                   | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable
reset before the request                             | 1/1 done         | 1/1 done         | 0/0 untouched or 1/1 done
reset mid-request                                    | 2/1 done         | 2/1 done         | 1/0 untouched
reset after the request, before the work             | 2/1 done         | 2/1 done         | 1/0 untouched
reset after the request, after the work              | 2/2 done         | 2/2 done         | 1/1 adopted
answer truncated, before the work                    | 2/1 done         | 2/1 done         | 1/0 untouched
answer truncated, after the work                     | 2/2 done         | 2/2 done         | 1/1 adopted
answer past the attempt's time-out, without the work | 2/1 done         | 2/1 done         | 1/0 untouched
answer past the attempt's time-out, after the work   | 2/2 done         | 2/2 done         | 1/1 adopted
answer past the attempt's time-out, work after it    | 2/2 done         | 2/2 done         | 1/1 adopted
answer past the caller's context, without the work   | 1/0 canceled     | 1/0 canceled     | 1/0 untouched
answer past the caller's context, after the work     | 1/1 canceled     | 1/1 canceled     | 1/1 recovered
answer past the caller's context, work after it      | 1/1 canceled     | 1/1 canceled     | 1/1 recovered
401 of the appliance, before the work                | 2/1 done         | 2/1 done         | 2/1 done
401 of a proxy, before the work                      | 1/0 unauthorized | 1/0 unauthorized | 1/0 untouched
401 of a proxy, after the work                       | 1/1 unauthorized | 1/1 unauthorized | 1/1 adopted
403 of the appliance, before the work                | 1/0 forbidden    | 1/0 forbidden    | 1/0 forbidden
403 of a proxy, before the work                      | 1/0 forbidden    | 1/0 forbidden    | 1/0 untouched
403 of a proxy, after the work                       | 1/1 forbidden    | 1/1 forbidden    | 1/1 adopted
429 with Retry-After, before the work                | 2/1 done         | 2/1 done         | 1/0 untouched
429 with Retry-After, after the work                 | 2/2 done         | 2/2 done         | 1/1 adopted
500, before the work                                 | 1/0 status 500   | 1/0 status 500   | 1/0 untouched
500, after the work                                  | 1/1 status 500   | 1/1 status 500   | 1/1 adopted
502, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched
502, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted
503, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched
503, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted
503, before the work, lasting                        | 4/0 unavailable  | 4/0 unavailable  | 1/0 untouched
503, after the work, lasting                         | 4/4 unavailable  | 4/4 unavailable  | 1/1 adopted
504, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched
504, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted
HTML 200 of a proxy, before the work                 | 1/0 unusable     | 1/0 unusable     | 1/0 untouched
HTML 200 of a proxy, after the work                  | 1/1 unusable     | 1/1 unusable     | 1/1 adopted
malformed answer, 200, before the work               | 1/0 unusable     | 1/0 unusable     | 1/0 untouched
malformed answer, 200, after the work                | 1/1 unusable     | 1/1 unusable     | 1/1 adopted
`

func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	faulttest.Matrix(t, faultMatrix, faulttest.Faults(faulttest.Answers{
		Unauthorized: said(http.StatusUnauthorized, vcav.CodeNotAuthenticated),
		Forbidden:    said(http.StatusForbidden, vcav.CodeForbidden),
		Throttled:    said(http.StatusTooManyRequests, "TooManyRequests"),
		Failed:       said(http.StatusInternalServerError, vcav.CodeGeneralServerFailure),
		Overloaded:   said(http.StatusServiceUnavailable, "Overloaded"),
		Malformed:    faulttest.Answer{Status: http.StatusOK, Type: "application/json", Body: `{"id":"C4-`},
	}), startTrial)
}

// said is an error in the appliance's own words.
func said(status int, code string) faulttest.Answer {
	return faulttest.Answer{Status: status, Type: mediaType, Body: fmt.Sprintf(`{"code":%q,"msg":"no","args":[],"stacktrace":null}`, code)}
}

// startTrial begins a trial of a column of [faultMatrix].
func startTrial(t *testing.T, class string) faulttest.Trial[*vcav.Client] {
	server := vcavtest.NewServer(t, vcavtest.TaskDuration(0, 50*time.Millisecond))
	trial := faulttest.Trial[*vcav.Client]{
		URL: server.URL, Transport: server.Transport(), Stop: server.Close,
		Connect: func(ctx context.Context, endpoint string, options ...drkit.Option) (*vcav.Client, error) {
			client, err := vcav.NewClient(endpoint, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), options...)
			if err != nil {
				return nil, err
			}
			_, err = client.Sessions.SignIn(ctx)
			return client, err
		},
	}
	id := vcavtest.ReplicationID("db-1")
	operation, resource := "VMReplications.Get", id
	switch class {
	case "read":
		trial.Request = "GET /vm-replications/" + id
		trial.Call = func(ctx context.Context, client *vcav.Client) (string, error) {
			replication, err := client.VMReplications.Get(ctx, id)
			return "done", errors.Join(err, sameID(id, replication.ID, err))
		}
	case "replaceable":
		operation, resource = "Policies.Update", vcav.DefaultPolicy
		trial.Request = "PUT /policies/" + vcav.DefaultPolicy
		trial.Call = func(ctx context.Context, client *vcav.Client) (string, error) {
			policy, err := client.Policies.Update(ctx, vcav.DefaultPolicy, vcav.PolicySettings{DisplayName: "Default"})
			return "done", errors.Join(err, sameID(vcav.DefaultPolicy, policy.ID, err))
		}
	default:
		operation = failover
		trial.Request = "POST /vm-replications/" + id + "/failover"
		trial.Call = func(ctx context.Context, client *vcav.Client) (string, error) {
			poller, err := client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
			return faulttest.Follow(ctx, poller, err, func(r vcav.VMReplication) error { return sameID(id, r.ID, nil) })
		}
	}
	trial.Ran = func() int { return server.Ran(operation, resource) }
	return trial
}

func sameID(wanted, got string, err error) error {
	if err != nil || wanted == got {
		return nil //nolint:nilerr // an answer that failed is about nothing
	}
	return fmt.Errorf("an answer about %q", got)
}
