package vcav_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

var failoverTrace = trace{
	line: func(string) string { return "POST " + failoverPath }, task: "vm_replications_failover.answer",
	note: []string{"GET /tasks?resourceId=" + ordersID + "&sort=startTime", "GET /vm-replications/" + ordersID},
}

func cut() httpmock.Responder {
	return httpmock.NewErrorResponder(errors.New("connection reset by peer"))
}

// found is the task of an operation as the list shows it: with its end where only that says whose it is.
func (tr trace) found(t *testing.T, change ...func(map[string]any)) map[string]any {
	t.Helper()
	if tr.source.VMID == "" {
		return row(t, tr.task, change...)
	}
	replication := map[string]any{"id": "C4-new", "vmId": tr.source.VMID, "source": map[string]any{"site": tr.source.Site}}
	ended := []func(map[string]any){
		with("state", "SUCCEEDED"), with("endTime", 1795082400001), with("resultType", "SingleVmReplicationInfo"), with("result", replication),
	}
	return row(t, tr.task, slices.Concat(ended, change)...)
}

// named reports whether there is a task that says that it is the operation's.
func (tr trace) named(t *testing.T) bool {
	t.Helper()
	return tr.source.VMID != "" || !tr.vague && row(t, tr.task)["workflowInfo"] != nil
}

// The one task that was not there before is the answer: whatever else the list shows, whether it filters or not.
func TestLookOverTheWire(t *testing.T) {
	t.Parallel()
	traced(t, func(t *testing.T, tr trace, site string) {
		if !tr.named(t) {
			t.Skip("found by what it leaves: TestPolicyThatIsFound and TestBundleThatIsFound")
		}
		mine := tr.found(t)
		info, _ := mine["workflowInfo"].(map[string]any)
		for name, list := range map[string][]map[string]any{
			"alone":         {mine},
			"swapped types": {tr.found(t, inWorkflow("type", info["resourceType"]), inWorkflow("resourceType", info["type"]))},
			"among others": {
				row(t, "vm_replications_pause.answer"), row(t, "support_bundles_delete.answer"), mine,
				tr.elsewhere(t),
				tr.found(t, with("id", "of another user"), with("user", "ann@acme-dr")),
				tr.found(t, with("id", "from before"), with("startTime", 1)),
			},
		} {
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s, client := tr.answered(t, cut())
					noted := tr.found(t, with("id", "noted"), with("state", "SUCCEEDED"), with("endTime", 3), with("startTime", 2))
					s.on("GET", "/tasks", tasksOf(noted), tasksOf(append(list, noted)...))
					begun, err := tr.begin(drkit.WithOperationID(t.Context(), "op-1"), client, site)
					require.NoError(t, err)
					assert.Equal(t, mine["id"], begun.ID())
					assert.True(t, begun.Adopted())
					assert.Equal(t, append(tr.lines(site), tr.line(escape(site)), tr.lines(site)[0]), s.lines())
					for _, request := range s.all() {
						assert.Equal(t, []string{"op-1"}, request.header["Operationid"])
					}
				})
			})
		}
	})
}

func escape(site string) string {
	if site == "" {
		return ""
	}
	return escapedSite
}

// Without a task of it the resource is asked, once the grace has passed: and nothing has changed.
func TestLookForALostRequestOverTheWire(t *testing.T) {
	t.Parallel()
	traced(t, func(t *testing.T, tr trace, site string) {
		bubble(t, func(t *testing.T) {
			s, client := tr.answered(t, cut())
			began := time.Now()
			_, err := tr.begin(drkit.WithOperationID(t.Context(), "op-1"), client, site)
			assert.GreaterOrEqual(t, time.Since(began), polling.Grace)
			var unknown *drkit.OutcomeUnknownError
			require.ErrorAs(t, err, &unknown)
			assert.Equal(t, len(tr.note) > 1, unknown.Untouched, "only a resource can say so")
			assert.Empty(t, unknown.Candidates)
			assert.Equal(t, site, unknown.Site)
			lines := s.lines()
			assert.Equal(t, tr.lines(site), lines[:len(tr.note)])
			assert.Equal(t, tr.line(escape(site)), lines[len(tr.note)])
			want := tr.lines(site)
			if len(want) > 1 {
				want = append(want, want[0])
			}
			assert.Equal(t, want, slices.Compact(lines[len(tr.note)+1:]), "the tasks; at last the resource, and the tasks once more")
			for _, request := range s.all() {
				assert.Equal(t, []string{"op-1"}, request.header["Operationid"])
			}
		})
	})
}

// A task that may be it, and was not taken, is named.
func TestVetoesOverTheWire(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(map[string]any)
		want   string
	}{
		"another user":          {with("user", "ann@acme-dr"), " (started by ann@acme-dr)"},
		"nobody":                {with("user", nil), " (nobody is named who started it)"},
		"a user on two lines":   {with("user", "a\nb"), ` (started by "a\nb")`},
		"before the newest one": {with("startTime", 1), " (started before the operation was sent)"},
		"a migration":           {inWorkflow("type", "migrate"), " (a task of type migrate)"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, client := failoverTrace.answered(t, cut())
				noted := row(t, failoverTrace.task, with("id", "noted"), with("state", "FAILED"), with("startTime", 2))
				s.on("GET", "/tasks", tasksOf(noted), tasksOf(row(t, failoverTrace.task, tc.change), noted))
				_, err := client.VMReplications.Failover(t.Context(), ordersID, cloudFailover())
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.Equal(t, []string{taskID + tc.want}, unknown.Candidates)
				assert.False(t, unknown.Untouched)
				assert.True(t, isOneLine(err.Error()))
			})
		})
	}
}

// A failover and a migration leave a replication alike: neither is taken for the other, and where one was under way
// before, the replication proves nothing of the other.
func TestFailoverAndMigrationAreAlike(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind  string // of the other
		begin func(ctx context.Context, v *vcav.VMReplications) (*poller, error)
	}{
		"failover": {"migrate", func(ctx context.Context, v *vcav.VMReplications) (*poller, error) {
			return v.Failover(ctx, ordersID, cloudFailover())
		}},
		"migration": {"failover", func(ctx context.Context, v *vcav.VMReplications) (*poller, error) {
			return v.Migrate(ctx, ordersID, vcav.CloudMigrate{})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				other := row(t, failoverTrace.task, inWorkflow("type", tc.kind))
				for _, list := range []struct {
					before, after httpmock.Responder
					candidate     string
				}{
					{tasksOf(), tasksOf(other), taskID + " (a task of type " + tc.kind + ")"},
					{tasksOf(other), tasksOf(other), taskID + " (under way before it was sent)"},
					{tasksOf(other), tasksOf(), taskID + " (under way before it was sent)"},
				} {
					s, client := failoverTrace.answered(t, cut())
					s.onAny(cut())
					s.on("GET", "/tasks", list.before, list.after)
					s.on("GET", "/vm-replications/"+ordersID, state("NOT_STARTED").answer(t), state("COMPLETE").answer(t))
					_, err := tc.begin(t.Context(), client.VMReplications)
					var unknown *drkit.OutcomeUnknownError
					require.ErrorAs(t, err, &unknown)
					assert.Equal(t, []string{list.candidate}, unknown.Candidates)
				}
			})
		})
	}
}

// At a site the tasks may be in the name of the extension, which is nobody's elsewhere.
func TestUserAtASite(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]struct{ there, here bool }{
		"backup-admin@acme-dr": {true, true}, "ann@acme": {true, false}, "eve@acme": {false, false},
	} {
		t.Run(user, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, client := failoverTrace.answered(t, cut())
				s.on("POST", "/sessions/extend", answer(t, 200, "sessions_extend.answer"))
				_, err := client.Sessions.Extend(t.Context(), vcav.WithVCDCredentials(siteName, "ann@acme", drkit.NewSecret("ann's")))
				require.NoError(t, err)
				for at, own := range map[*vcav.SiteVMReplications]bool{
					client.Site(siteName).VMReplications: want.there, &client.VMReplications.SiteVMReplications: want.here,
				} {
					s.on("GET", "/tasks", tasksOf(), tasksOf(row(t, failoverTrace.task, with("user", user))))
					poller, err := at.Failover(t.Context(), ordersID, cloudFailover())
					if !own {
						require.ErrorContains(t, err, "it may be "+taskID+" (started by "+user+")")
						continue
					}
					require.NoError(t, err)
					assert.Equal(t, taskID, poller.ID())
				}
			})
		})
	}
}

// A service may write its users otherwise in tasks than in sessions, as the guide's samples do: what it has written
// into a task of this client, at the same place, is the name of this client.
func TestUserAsTasksHaveIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, client := failoverTrace.answered(t, cut())
		s.on("POST", "/vm-replications/"+ordersID+"/sync", taskAt("RUNNING", 0, with("user", "acme-dr@south")))
		s.on("GET", "/tasks", tasksOf(), tasksOf(row(t, failoverTrace.task, with("user", "acme-dr@south"))))
		_, err := client.VMReplications.Failover(t.Context(), ordersID, cloudFailover())
		require.ErrorContains(t, err, "(started by acme-dr@south)", "nobody knows yet who that is")
		drkit.Discard(err)

		s.on("GET", "/tasks", tasksOf())
		for range 2 {
			_, err = client.VMReplications.Sync(t.Context(), ordersID)
			require.NoError(t, err)
		}
		for at, own := range map[*vcav.SiteVMReplications]bool{
			&client.VMReplications.SiteVMReplications: true, client.Site(siteName).VMReplications: false,
		} {
			s.on("GET", "/tasks", tasksOf(), tasksOf(row(t, failoverTrace.task, with("user", "acme-dr@south"))))
			poller, err := at.Failover(t.Context(), ordersID, cloudFailover())
			if !own {
				require.ErrorContains(t, err, "(started by acme-dr@south)")
				continue
			}
			require.NoError(t, err)
			assert.Equal(t, taskID, poller.ID())
		}
	})
}

// An adopted task is followed like any other, where it runs; at its end the list is read once more.
func TestAdoptedTaskIsFollowed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		second map[string]any
		fails  error
	}{
		"alone":                   {nil, nil},
		"with another one":        {row(t, failoverTrace.task, with("id", "second")), drkit.ErrConflict},
		"with one after its end":  {row(t, failoverTrace.task, with("id", "second"), with("startTime", 1795082400500)), nil},
		"with another user's one": {row(t, failoverTrace.task, with("id", "second"), with("user", "ann@acme-dr")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, client := failoverTrace.answered(t, cut())
				mine := row(t, failoverTrace.task)
				ended := []map[string]any{row(t, "tasks_get.answer", with("endTime", 1795082400500))}
				if tc.second != nil {
					ended = append(ended, tc.second)
				}
				s.on("GET", "/tasks", tasksOf(), tasksOf(mine), answer(t, 503, "error"), answer(t, 503, "error"), answer(t, 503, "error"), answer(t, 503, "error"), tasksOf(ended...))
				s.on("GET", "/tasks/"+taskID, taskAt("RUNNING", 10), answer(t, 200, "tasks_get.answer"))
				poller, err := client.Site(siteName).VMReplications.Failover(drkit.WithOperationID(t.Context(), "op-1"), ordersID, cloudFailover())
				require.NoError(t, err)
				before := len(s.lines())
				done, err := poller.Wait(t.Context())
				if tc.fails != nil {
					require.ErrorIs(t, err, tc.fails)
					require.EqualError(t, err, "vcav.VMReplications.Failover: task "+taskID+" was adopted for it, and then task second "+
						"came to light, which may be it as well (POST "+failoverPath+", operation ID op-1)")
				} else {
					require.NoError(t, err)
					assert.Equal(t, recovered(), done)
				}
				assert.True(t, poller.Done())
				get, list := "GET /tasks/"+taskID+"?site="+escapedSite, failoverTrace.lines(siteName)[0]
				assert.Equal(t, []string{get, list, get, list}, slices.Compact(s.lines()[before:]), "what could not be read is read again")
				for _, request := range s.all() {
					assert.Equal(t, []string{"op-1"}, request.header["Operationid"])
				}
			})
		})
	}
}

// A policy is found by its name.
func TestPolicyThatIsFound(t *testing.T) {
	t.Parallel()
	policies := func(names ...string) httpmock.Responder {
		list := "["
		for i, name := range names {
			if i > 0 {
				list += ","
			}
			list += `{"id":"policy-` + string(rune('0'+i)) + `","displayName":"` + name + `"}`
		}
		return httpmock.NewStringResponder(200, list+"]")
	}
	for name, tc := range map[string]struct {
		before, after httpmock.Responder
		want          string
	}{
		"there":         {policies("Gold"), policies("Gold", "Silver"), ""},
		"not there":     {policies("Gold"), policies("Gold", "silver", "Silver2"), "outcome is unknown for the policy of the name Silver"},
		"there before":  {policies("Silver"), policies("Silver"), "outcome is unknown for the policy of the name Silver"},
		"twice":         {policies("Gold"), policies("Gold", "Silver", "Silver"), "there are 2 new tasks that may be it: it may be policy-1, or policy-2"},
		"there, late":   {policies(), policies("Gold", "Silver"), ""},
		"a second name": {policies("Silver"), policies("Silver", "Silver"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				tr := trace{line: func(string) string { return "POST /policies" }}
				s, client := tr.answered(t, cut())
				s.on("GET", "/policies", tc.before, tc.before, tc.after)
				s.on("GET", "/policies/policy-1", answer(t, 200, "policies_create.answer"))
				policy, err := client.Policies.Create(t.Context(), policySettings())
				if tc.want != "" {
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					require.ErrorContains(t, err, tc.want)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, newSilver(), policy)
				assert.Equal(t, []string{"GET /policies", "POST /policies", "GET /policies", "GET /policies/policy-1"}, slices.Compact(s.lines()))
			})
		})
	}
}

// A policy that is there, and cannot be read: its id is known, and it is not made again.
func TestPolicyThatIsFoundAndNotRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, client := trace{line: func(string) string { return "POST /policies" }}.answered(t, cut())
		s.on("GET", "/policies", httpmock.NewStringResponder(200, `[]`), httpmock.NewStringResponder(200, `[{"id":"policy-1","displayName":"Silver"}]`))
		s.on("GET", "/policies/policy-1", answer(t, 403, "error_forbidden"))
		policy, err := client.Policies.Create(t.Context(), policySettings())
		assert.Empty(t, policy)
		require.ErrorIs(t, err, drkit.ErrForbidden)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		require.ErrorContains(t, err, "vcav.Policies.Create: its answer was lost, and the policy found: waiting for policy-1: ")
	})
}

// Tasks of bundles do not say what they do: the list of bundles does, once they have ended.
func TestBundleThatIsFound(t *testing.T) {
	t.Parallel()
	vague := func(state string) map[string]any {
		return row(t, "support_bundles_generate.answer", with("state", state), with("endTime", map[bool]int{true: -1, false: 3}[state == "RUNNING"]))
	}
	naming := row(t, "support_bundles_generate_with_id.answer")
	bundles := func(ids ...string) httpmock.Responder {
		list := ""
		for _, id := range ids {
			list += `,{"id":"` + id + `","sha":"SHA-512:` + id + `"}`
		}
		return httpmock.NewStringResponder(200, "["+list[min(1, len(list)):]+"]")
	}
	for name, tc := range map[string]struct {
		task          map[string]any // for a while, from the loss on
		ended         map[string]any
		before, after httpmock.Responder
		want          string
		candidates    bool
		untouched     bool
	}{
		"it ran":                     {vague("RUNNING"), vague("SUCCEEDED"), bundles("old"), bundles("old", "new"), "new", false, false},
		"it ran, and its task named": {naming, row(t, "support_bundles_generate_with_id.answer", with("state", "SUCCEEDED")), bundles("old"), bundles("old", "new"), "new", false, false},
		"it failed":                  {vague("RUNNING"), vague("FAILED"), bundles("old"), bundles("old"), "", true, false},
		"two came of it":             {vague("RUNNING"), vague("SUCCEEDED"), bundles("old"), bundles("old", "new", "newer"), "", false, false},
		"nothing came of it":         {nil, nil, bundles("old"), bundles("old"), "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				tr := trace{line: func(string) string { return "POST /diagnostics/bundles" }}
				s, client := tr.answered(t, cut())
				pages := []httpmock.Responder{tasksOf()}
				if tc.task != nil {
					for range 30 { // longer than the grace
						pages = append(pages, tasksOf(tc.task))
					}
					pages = append(pages, tasksOf(tc.ended))
				}
				s.on("GET", "/tasks", pages...)
				s.on("GET", "/diagnostics/bundles", tc.before, tc.after)
				began := time.Now()
				poller, err := client.SupportBundles.Generate(t.Context())
				assert.Equal(t, tc.task != nil, time.Since(began) > polling.Grace+time.Minute, "the end of a task is waited for")
				if tc.want == "" {
					var unknown *drkit.OutcomeUnknownError
					require.ErrorAs(t, err, &unknown)
					assert.Equal(t, tc.untouched, unknown.Untouched)
					assert.Equal(t, tc.candidates, len(unknown.Candidates) > 0)
					return
				}
				require.NoError(t, err)
				assert.True(t, poller.Adopted())
				bundle, err := poller.Wait(t.Context())
				require.NoError(t, err)
				assert.Equal(t, vcav.SupportBundle{ID: tc.want, SHA: "SHA-512:" + tc.want}, bundle)
				_, err = poller.ResumeToken(t.Context())
				require.ErrorIs(t, err, errors.ErrUnsupported, "there is no task to resume")
			})
		})
	}
}

// A bundle that somebody else was generating before may be what has appeared.
func TestBundleOfSomebodyElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		tr := trace{line: func(string) string { return "POST /diagnostics/bundles" }}
		s, client := tr.answered(t, cut())
		s.on("GET", "/tasks", tasksOf(row(t, "support_bundles_generate.answer")), tasksOf())
		s.on("GET", "/diagnostics/bundles", httpmock.NewStringResponder(200, `[]`), httpmock.NewStringResponder(200, `[{"id":"new"}]`))
		_, err := client.SupportBundles.Generate(t.Context())
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Equal(t, []string{"2c84f1d6-7be0-49a5-b3d9-60e5a17c8f42 (under way before it was sent)"}, unknown.Candidates)
	})
}
