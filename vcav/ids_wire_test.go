package vcav_test

import (
	"context"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// byID is an operation that takes ids, or other names, in its path.
type byID func(ctx context.Context, r resources, ids ...string) (any, error)

var byIDs = map[string]byID{
	"Tasks.Get": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.Tasks.Get(ctx, ids[0])
	},
	"Sessions.Shrink": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.Sessions.Shrink(ctx, ids[0])
	},
	"Policies.Get": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.Policies.Get(ctx, ids[0])
	},
	"Policies.Status": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.LocalPolicies.Status(ctx, ids[0])
	},
	"Policies.Update": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.LocalPolicies.Update(ctx, ids[0], policySettings())
	},
	"Policies.Delete": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return nil, r.LocalPolicies.Delete(ctx, ids[0])
	},
	"Policies.Assign": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return nil, r.LocalPolicies.Assign(ctx, ids[0], ids[1])
	},
	"SupportBundles.GenerateWithID": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.SupportBundles.GenerateWithID(ctx, ids[0]))
	},
	"SupportBundles.Delete": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.SupportBundles.Delete(ctx, ids[0]))
	},
	"SupportBundles.CreateCookie": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.SupportBundles.CreateCookie(ctx, ids[0])
	},
	"SupportBundles.Download": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.SupportBundles.Download(ctx, ids[0], drkit.ToWriter(io.Discard), drkit.WithoutChecksum())
	},
	"SupportBundles.DownloadWithCookie": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.SupportBundles.DownloadWithCookie(ctx, ids[0], drkit.NewSecret(bundleCookie), drkit.ToWriter(io.Discard))
	},
	"VMReplications.Get": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.VMReplications.Get(ctx, ids[0])
	},
	"VMReplications.Instances": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.VMReplications.Instances(ctx, ids[0])
	},
	"VMReplications.Instance": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.VMReplications.Instance(ctx, ids[0], ids[1])
	},
	"VMReplications.VirtualHardware": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.VMReplications.VirtualHardware(ctx, ids[0])
	},
	"VMReplications.Traffic": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.Statistics.Traffic(ctx, ids[0], vcav.TrafficQuery{})
	},
	"VMReplications.DiskUsage": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return r.Statistics.DiskUsage(ctx, ids[0], vcav.DiskUsageQuery{})
	},
	"VMReplications.Sync": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.VMReplications.Sync(ctx, ids[0]))
	},
	"VMReplications.Stop": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.VMReplications.Stop(ctx, ids[0]))
	},
	"VMReplications.Pause": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.VMReplications.Pause(ctx, ids[0]))
	},
	"VMReplications.Resume": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.VMReplications.Resume(ctx, ids[0]))
	},
	"VMReplications.Failover": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.VMReplications.Failover(ctx, ids[0], vcav.CloudFailover{}))
	},
	"VMReplications.TestFailover": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.VMReplications.TestFailover(ctx, ids[0], vcav.VCenterFailoverTest{}))
	},
	"VMReplications.CleanUpTestFailover": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.VMReplications.CleanUpTestFailover(ctx, ids[0]))
	},
	"VMReplications.Migrate": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.VMReplications.Migrate(ctx, ids[0], vcav.CloudMigrate{}))
	},
	"VMReplications.Reverse": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.VMReplications.Reverse(ctx, ids[0]))
	},
	"VMReplications.Reconfigure": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.VMReplications.Reconfigure(ctx, ids[0], vcav.Reconfigure{RPO: drkit.Some(60)}))
	},
	"VMReplications.ReconfigureDisks": func(ctx context.Context, r resources, ids ...string) (any, error) {
		return started(r.VMReplications.ReconfigureDisks(ctx, ids[0], []int{2000}))
	},
}

// escapedIDs are ids as they must stand in a path.
var escapedIDs = map[string]string{
	"C4-1": "C4-1", "a/b": "a%2Fb", "../tasks": "..%2Ftasks", "user@org": "user%40org", "a b": "a%20b",
	"a+b": "a%2Bb", "a?site=x#y": "a%3Fsite%3Dx%23y", "%2e%2e": "%252e%252e", "a;b:c": "a%3Bb%3Ac",
	"…": "%E2%80%A6", "...": "...", "a\r\nb": "a%0D%0Ab", `a\b`: "a%5Cb",
}

var parameter = regexp.MustCompile(`\{([^/]*)\}`)

// withIDs fills one parameter of an operation's path with id, and the others with a plain one. It returns
// the ids and the path that the request must then have.
func withIDs(path string, place int, id, escaped string) (ids []string, line string) {
	for range parameter.FindAllString(path, -1) {
		ids = append(ids, "plain-1")
	}
	ids[place] = id
	at := 0
	line = parameter.ReplaceAllStringFunc(path, func(string) string {
		at++
		if at-1 == place {
			return escaped
		}
		return "plain-1"
	})
	return ids, line
}

// No id may lead to another path than its own.
func TestIDsAreEscaped(t *testing.T) {
	t.Parallel()
	for name, call := range byIDs {
		operation := operationOf(name)
		for place, match := range parameter.FindAllStringSubmatch(operation.Path, -1) {
			for id, escaped := range escapedIDs {
				t.Run(name+"/"+match[1]+"/"+escaped, func(t *testing.T) {
					t.Parallel()
					ids, path := withIDs(operation.Path, place, id, escaped)
					s := newService(t)
					s.onAny(answer(t, 404, "error_not_found"))
					_, err := call(wire(t), here(s.client()), ids...)
					require.ErrorIs(t, err, drkit.ErrNotFound)
					want := []string{operation.Method + " " + path}
					if slices.Contains(operation.Query, "cookie") {
						want[0] += "?cookie=" + escapedCookie
					}
					if takesSite(name) {
						_, err = call(wire(t), there(s.client().Site("south")), ids...)
						require.ErrorIs(t, err, drkit.ErrNotFound)
						want = append(want, want[0]+"?site=south")
					}
					assert.Equal(t, want, s.lines())
				})
			}
			for _, id := range []string{"", ".", ".."} {
				t.Run(name+"/"+match[1]+"/refused "+id, func(t *testing.T) {
					t.Parallel()
					ids, _ := withIDs(operation.Path, place, id, id)
					s := newService(t)
					got, err := call(wire(t), here(s.client()), ids...)
					want := "vcav." + name + ": " + match[1] + ` "` + id + `" is not an id`
					if id == "" {
						want = "vcav." + name + ": " + match[1] + " is empty"
					}
					require.EqualError(t, err, want)
					assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
					assert.Empty(t, got)
					assert.Empty(t, s.lines())
				})
			}
		}
	}
}

func TestEveryOperationWithAnIDIsTested(t *testing.T) {
	t.Parallel()
	for _, operation := range contract.Table.Operations {
		_, tested := byIDs[operation.Name]
		assert.Equal(t, strings.Contains(operation.Path, "{"), tested, operation.Name)
	}
}
