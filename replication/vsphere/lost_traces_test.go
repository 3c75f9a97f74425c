package vsphere_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// What a replication shows before an operation, and after it, tells whether it has run, where no task does and the
// service has answered that it has failed: it ran, it is as it was and the answer stands, or nobody can tell.
func TestWhatReplicationsShow(t *testing.T) {
	t.Parallel()
	const ran, stands, unclear = "ran", "stands", "unclear"
	type change = func(y *yard, one *replica)
	nothing := func(*yard, *replica) {}
	status := func(is string) change { return func(_ *yard, one *replica) { one.status = is } }
	gone := func(y *yard, _ *replica) { delete(y.replications, ledger) }
	image := func(is string) change { return func(_ *yard, one *replica) { one.image = is } }
	promoted := func(are ...string) change { return func(_ *yard, one *replica) { one.promoted = are } }
	rpo := func(is int) change { return func(_ *yard, one *replica) { one.rpo = is } }
	both := func(changes ...change) change {
		return func(y *yard, one *replica) {
			for _, change := range changes {
				change(y, one)
			}
		}
	}
	lacks := func(_ *yard, one *replica) { one.lacks = "$.mpit_days" }
	nameless := func(_ *yard, one *replica) { one.nameless = true }
	for name, tc := range map[string]struct {
		operation     string
		before, after change
		want          string
	}{
		"paused":                          {"Pause", nothing, status("PAUSED"), ran},
		"not paused":                      {"Pause", nothing, nothing, stands},
		"paused, or was":                  {"Pause", status("UNKNOWN"), status("PAUSED"), unclear},
		"nobody knows":                    {"Pause", status("UNKNOWN"), nothing, unclear},
		"nobody knows any more":           {"Pause", nothing, status("UNKNOWN"), unclear},
		"paused, and gone":                {"Pause", nothing, gone, unclear},
		"resumed":                         {"Resume", nothing, status("OK"), ran},
		"not resumed":                     {"Resume", nothing, nothing, stands},
		"resumed, and in trouble":         {"Resume", nothing, status("ERROR"), ran},
		"not synchronized":                {"Sync", nothing, nothing, stands},
		"synchronized by somebody":        {"Sync", nothing, func(_ *yard, one *replica) { one.synced = 1 }, unclear},
		"synchronizes for somebody":       {"Sync", nothing, status("SYNC"), unclear},
		"reconfigured":                    {"Reconfigure", nothing, rpo(60), ran},
		"not reconfigured":                {"Reconfigure", nothing, nothing, stands},
		"reconfigured otherwise":          {"Reconfigure", nothing, rpo(30), unclear},
		"only its disks, perhaps":         {"Reconfigure", rpo(60), nothing, unclear},
		"reconfigured, behind what lacks": {"Reconfigure", lacks, nothing, unclear},
		"unconfigured":                    {"Unconfigure", nothing, gone, ran},
		"not unconfigured":                {"Unconfigure", nothing, nothing, stands},
		"about to be unconfigured":        {"Unconfigure", nothing, status("NOT_ACTIVE"), unclear},
		"deleted":                         {"Delete", nothing, gone, ran},
		"tested":                          {"Test", nothing, image("img-1"), ran},
		"tested, without a name":          {"Test", nothing, both(image("img-1"), nameless), ran},
		"not tested":                      {"Test", nothing, nothing, stands},
		"in somebody else's test":         {"Test", image("img-0"), nothing, stands},
		"in another test":                 {"Test", image("img-0"), image("img-1"), unclear},
		"in a test that names nothing":    {"Test", both(image("img-0"), nameless), nothing, unclear},
		"failed over":                     {"Test", nothing, both(image("img-1"), func(_ *yard, one *replica) { one.failover = true }), unclear},
		"cleaned up":                      {"CleanUp", nothing, image(""), ran},
		"cleaned up, without a name":      {"CleanUp", nameless, image(""), ran},
		"not cleaned up":                  {"CleanUp", nothing, nothing, stands},
		"nothing to clean up":             {"CleanUp", image(""), nothing, stands},
		"in the next test":                {"CleanUp", nothing, image("img-1"), unclear},
		"promoted":                        {"PromoteTestImage", nothing, promoted("a"), ran},
		"promoted beside others":          {"PromoteTestImage", promoted("a"), promoted("a", "b"), ran},
		"not promoted":                    {"PromoteTestImage", promoted("a", "b"), promoted("b", "a"), stands},
		"promoted by somebody, too":       {"PromoteTestImage", nothing, promoted("a", "b"), unclear},
		"promoted, or cleaned up":         {"PromoteTestImage", nothing, image(""), unclear},
		"demoted":                         {"DemoteTestImage", promoted("a", "b"), promoted(), ran},
		"not demoted":                     {"DemoteTestImage", promoted("a", "b"), promoted("b", "a"), stands},
		"nothing to demote":               {"DemoteTestImage", promoted(), nothing, stands},
		"demoted, or one has grown old":   {"DemoteTestImage", promoted("a", "b"), promoted("b"), unclear},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, _ *yard) {
				o := operations(t)[tc.operation]
				y := o.yard(t)
				one := y.replications[ledger]
				tc.before(y, one)
				answer := instead(false, 500, ownError)
				y.onlyOn(o, func(r *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
					y.change(func() { tc.after(y, one) })
					return answer(r, do)
				})
				y.breaks("tasks", again(200, nothingThere)...)
				poller, err := o.call(t.Context(), replicationsOf(y.client(fast)))
				switch tc.want {
				case ran:
					require.NoError(t, err)
					assert.True(t, poller.Adopted())
				case stands:
					require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
					assert.Equal(t, 500, answerOf(t, err).Status)
				default:
					var unknown *drkit.OutcomeUnknownError
					require.ErrorAs(t, err, &unknown)
					assert.False(t, unknown.Untouched)
				}
			})
		})
	}
}
