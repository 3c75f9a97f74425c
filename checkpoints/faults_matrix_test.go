package checkpoints_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
	"github.com/drkit-go/drkit/internal/faulttest"
)

// faultMatrix says for each fault and operation what comes of it: see [faulttest.Matrix]. What the gateway refuses in
// its own words has not run and is sent again; nothing else is.
const faultMatrix = `
fault                                                | read             | replaceable      | checkpoint      | replicate       | restore         | vault
-----------------------------------------------------+------------------+------------------+-----------------+-----------------+-----------------+----------------
none                                                 | 1/1 done         | 1/1 done         | 1/1 done        | 1/1 done        | 1/1 done        | 1/1 done
dial refused                                         | 1/1 done         | 1/1 done         | 1/1 done        | 1/1 done        | 1/1 done        | 1/1 done
dial refused, lasting                                | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable | 0/0 unavailable | 0/0 unavailable | 0/0 unavailable
TLS fails                                            | 1/1 done         | 1/1 done         | 1/1 done        | 1/1 done        | 1/1 done        | 1/1 done
TLS fails, lasting                                   | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable | 0/0 unavailable | 0/0 unavailable | 0/0 unavailable
reset before the request                             | 1/1 done         | 1/1 done         | 0/0 untouched or 1/1 done | 0/0 untouched or 1/1 done | 0/0 untouched or 1/1 done | 0/0 untouched or 1/1 done
reset mid-request                                    | 2/1 done         | 2/1 done         | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
reset after the request, before the work             | 2/1 done         | 2/1 done         | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
reset after the request, after the work              | 2/2 done         | 2/2 done         | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
answer truncated, before the work                    | 2/1 done         | 2/1 done         | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
answer truncated, after the work                     | 2/2 done         | 2/2 done         | 1/1 adopted     | 1/1 adopted     | 1/1 done        | 1/1 adopted
answer past the attempt's time-out, without the work | 2/1 done         | 2/1 done         | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
answer past the attempt's time-out, after the work   | 2/2 done         | 2/2 done         | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
answer past the attempt's time-out, work after it    | 2/2 done         | 2/2 done         | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
answer past the caller's context, without the work   | 1/0 canceled     | 1/0 canceled     | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
answer past the caller's context, after the work     | 1/1 canceled     | 1/1 canceled     | 1/1 recovered   | 1/1 recovered   | 1/1 recovered   | 1/1 recovered
answer past the caller's context, work after it      | 1/1 canceled     | 1/1 canceled     | 1/1 recovered   | 1/1 recovered   | 1/1 recovered   | 1/1 recovered
401 of the appliance, before the work                | 2/1 done         | 2/1 done         | 2/1 done        | 2/1 done        | 2/1 done        | 2/1 done
401 of a proxy, before the work                      | 2/1 done         | 2/1 done         | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
401 of a proxy, after the work                       | 2/2 done         | 2/2 done         | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
403 of the appliance, before the work                | 1/0 forbidden    | 1/0 forbidden    | 1/0 forbidden   | 1/0 forbidden   | 1/0 forbidden   | 1/0 forbidden
403 of a proxy, before the work                      | 1/0 forbidden    | 1/0 forbidden    | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
403 of a proxy, after the work                       | 1/1 forbidden    | 1/1 forbidden    | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
429 with Retry-After, before the work                | 2/1 done         | 2/1 done         | 2/1 done        | 2/1 done        | 2/1 done        | 2/1 done
429 with Retry-After, after the work                 | 2/2 done         | 2/2 done         | 1/1 status 0    | 1/1 status 0    | 1/1 status 0    | 2/1 status 400
500, before the work                                 | 1/0 unavailable  | 1/0 unavailable  | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
500, after the work                                  | 1/1 unavailable  | 1/1 unavailable  | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
502, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
502, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
503, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
503, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
503, before the work, lasting                        | 4/0 unavailable  | 4/0 unavailable  | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
503, after the work, lasting                         | 4/4 unavailable  | 4/4 unavailable  | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
504, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
504, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
HTML 200 of a proxy, before the work                 | 1/0 unusable     | 1/0 unusable     | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
HTML 200 of a proxy, after the work                  | 1/1 unusable     | 1/1 unusable     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
malformed answer, 200, before the work               | 1/0 unusable     | 1/0 unusable     | 1/0 untouched   | 1/0 untouched   | 1/0 untouched   | 1/0 untouched
malformed answer, 200, after the work                | 1/1 unusable     | 1/1 unusable     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted     | 1/1 adopted
`

func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	faulttest.Matrix(t, faultMatrix, faulttest.Faults(faulttest.Answers{
		Unauthorized: said(http.StatusUnauthorized, "APIGW.0301"), Forbidden: said(http.StatusForbidden, "IAM.0002"),
		Throttled: said(http.StatusTooManyRequests, "APIGW.0308"), Failed: said(http.StatusInternalServerError, "BackupService.9910"),
		Overloaded: said(http.StatusServiceUnavailable, "APIGW.0201"),
		Malformed:  faulttest.Answer{Status: http.StatusOK, Type: "application/json", Body: `{"checkpoint":{"id":`},
	}), startTrial)
}

// heldClock stands still until the call has returned, so that no task ends before: what a second request meets does not
// hang on how busy the machine is.
type heldClock struct {
	mu   sync.Mutex
	held time.Time
	from time.Time // since when it goes; zero before
}

// Now returns the time of the simulator.
func (c *heldClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from.IsZero() {
		return c.held
	}
	return c.held.Add(time.Since(c.from))
}

// Sleep returns when so much time has passed for the client.
func (c *heldClock) Sleep(ctx context.Context, d time.Duration) error {
	return shifted(0).Sleep(ctx, d)
}

func (c *heldClock) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from = time.Now()
}

// said is an error in the words of the service, or of the gateway before it.
func said(status int, code string) faulttest.Answer {
	return faulttest.Answer{Status: status, Type: "application/json", Body: fmt.Sprintf(`{"error_code":%q,"error_msg":"No."}`, code)}
}

// startTrial begins a trial of a column of [faultMatrix].
func startTrial(t *testing.T, column string) faulttest.Trial[*checkpoints.Client] {
	clock := &heldClock{held: time.Now()}
	server := checkpointstest.NewServer(t, checkpointstest.TaskDuration(0, 30*time.Millisecond), checkpointstest.SettlesAfter(0),
		checkpointstest.UseClock(clock))
	there := checkpointstest.NewServer(t, checkpointstest.LinkedTo(server))
	y := &yard{t: t, here: server, there: there}
	backup := server.AddBackups(production, 1)[1] // of app-1
	trial := faulttest.Trial[*checkpoints.Client]{
		URL: server.URL, Transport: server.Transport(), Connect: y.through,
		Stop: func() {
			there.Close()
			server.Close()
		},
	}
	operation, resource, request := "Vaults.Get", production, "GET /vaults/"+production
	switch column {
	case "read":
		trial.Call = func(ctx context.Context, client *checkpoints.Client) (string, error) {
			vault, err := client.Vaults.Get(ctx, production)
			return "done", errors.Join(err, about(production, vault.ID, err))
		}
	case "replaceable":
		operation, request = "Vaults.Update", "PUT /vaults/"+production
		trial.Call = func(ctx context.Context, client *checkpoints.Client) (string, error) {
			vault, err := client.Vaults.Update(ctx, production, checkpoints.VaultUpdate{Name: drkit.Some("production")})
			return "done", errors.Join(err, about(production, vault.ID, err))
		}
	case "checkpoint":
		operation, request = "Checkpoints.Create", "POST /checkpoints"
		trial.Call = func(ctx context.Context, client *checkpoints.Client) (string, error) {
			poller, err := client.Checkpoints.Create(ctx, named("nightly"))
			clock.release()
			return faulttest.Follow(ctx, poller, err, func(r checkpoints.CheckpointResult) error {
				return errors.Join(r.Err(), about("nightly", r.Checkpoint.ExtraInfo.Name, nil))
			})
		}
	case "replicate":
		operation, request = "Checkpoints.Replicate", "POST /checkpoints/replicate"
		trial.Call = func(ctx context.Context, client *checkpoints.Client) (string, error) {
			poller, err := client.Checkpoints.Replicate(ctx, y.elsewhere())
			clock.release()
			return faulttest.Follow(ctx, poller, err, func(r checkpoints.ReplicationResult) error {
				return errors.Join(r.Err(), about("2", fmt.Sprint(len(r.Copies)), nil))
			})
		}
	case "restore":
		operation, resource, request = "Backups.Restore", backup, "POST /backups/"+backup+"/restore"
		restore := y.restoreOf(backup)
		trial.Call = func(ctx context.Context, client *checkpoints.Client) (string, error) {
			poller, err := client.Backups.Restore(ctx, backup, restore)
			clock.release()
			return faulttest.Follow(ctx, poller, err, func(task checkpoints.Task) error {
				return about(backup, task.ExtraInfo.Restore.BackupID, nil)
			})
		}
	case "vault":
		operation, resource, request = "Vaults.Create", "orchard", "POST /vaults"
		trial.Call = func(ctx context.Context, client *checkpoints.Client) (string, error) {
			poller, err := client.Vaults.Create(ctx, orchard())
			return faulttest.Follow(ctx, poller, err, func(v checkpoints.Vault) error { return about("orchard", v.Name, nil) })
		}
	}
	method, path, _ := strings.Cut(request, " ")
	trial.Request = method + " /v3/" + server.ProjectID + path
	trial.Ran = func() int { return server.Ran(operation, resource) }
	return trial
}

// orchard is a vault with a server in it.
func orchard() checkpoints.VaultCreate {
	return checkpoints.VaultCreate{
		Name: "orchard", Billing: checkpoints.BillingCreate{
			ConsistentLevel: checkpoints.ConsistentLevelCrash, ObjectType: checkpoints.ObjectTypeServer,
			ProtectType: checkpoints.ProtectTypeBackup, Size: 100,
		},
		Resources: []checkpoints.Resource{{ID: checkpointstest.VMID("web-1"), Type: checkpoints.ResourceTypeServer}},
	}
}

// through returns a client of the region by way of a proxy, and of the identity service without it.
func (y *yard) through(ctx context.Context, endpoint string, options ...drkit.Option) (*checkpoints.Client, error) {
	identity, err := url.Parse(y.here.AuthURL)
	if err != nil {
		return nil, err
	}
	options = append(options, drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == identity.Host {
				return y.here.Transport().RoundTrip(r)
			}
			return next.RoundTrip(r)
		})
	}))
	client, err := checkpoints.NewClient(endpoint, "", checkpoints.Password(
		checkpoints.Identity{URL: y.here.AuthURL, Project: checkpoints.Project{ID: y.here.ProjectID}},
		checkpoints.User{Name: y.here.User, Domain: checkpoints.Domain{Name: y.here.Domain}}, drkit.NewSecret(y.here.Password),
	), options...)
	if err != nil {
		return nil, err
	}
	_, err = client.Sessions.SignIn(ctx)
	return client, err
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip sends a request.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// about says that an answer is about something else than what was wanted.
func about(wanted, got string, err error) error {
	if err != nil || wanted == got {
		return nil //nolint:nilerr // an answer that failed is about nothing
	}
	return fmt.Errorf("an answer about %q", got)
}
