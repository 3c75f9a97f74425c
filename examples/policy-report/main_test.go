package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// Whoever runs the tests may have named an appliance in the environment.
func TestMain(m *testing.M) {
	if err := os.Unsetenv("VCAV_URL"); err != nil {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out, notes bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out, &notes))
	assert.Equal(t, `POLICY          SHORTEST RPO  INSTANCES  INCOMING    MAY COME IN              MAY GO OUT               ORGANIZATIONS
Default Policy  15 min        24         0           migrations               migrations               1
Gold            5 min         24         any number  protections, migrations  protections, migrations  1
Silver          1 h           4          2           protections, migrations  protections              2

ORGANIZATION  POLICY          REPLICATIONS  COMPLIANCE
lab           Default Policy  1             1 replication beyond a quota of 0
                                            1 protection where none may come in
finance       Gold            2             complies
media         Silver          3             1 replication beyond a quota of 2
                                            stream-1 has an RPO of 15 min instead of 1 h or more
                                            stream-2 keeps 11 instances instead of 4 at most
retail        Silver          1             complies

4 organizations with 7 replications in all; in violation: 2
`, out.String())
	assert.Contains(t, notes.String(), "simulated appliance", "not in what a pipe reads")
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-format", "json", "-policy", "Gold", "-policy", "default"}, &out, io.Discard))
	var sections []struct {
		Policy        vcav.Policy
		Organizations []struct {
			vcav.PolicyStatus
			Violations []string
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &sections))
	require.Len(t, sections, 2)
	assert.Equal(t, "Gold", sections[1].Policy.DisplayName)
	assert.Equal(t, 5, sections[1].Policy.MinRPO)
	require.Len(t, sections[0].Organizations, 1)
	assert.Equal(t, 1, sections[0].Organizations[0].ProtectionViolation)
	assert.Len(t, sections[0].Organizations[0].Violations, 2)
	assert.Contains(t, out.String(), `"violations": []`, "who reads it has no null to think of")
}

func TestCSV(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-format=csv"}, &out, io.Discard))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err, "all rows have as many columns")
	require.Len(t, rows, 5)
	assert.Equal(t, []string{
		vcavtest.PolicyID("Silver"), "Silver", "60", "4", "2", "protections, migrations", "protections", "media", "3", "false",
		"1 replication beyond a quota of 2; stream-1 has an RPO of 15 min instead of 1 h or more; " +
			"stream-2 keeps 11 instances instead of 4 at most",
	}, rows[3])
	assert.Equal(t, []string{"retail", "1", "true", ""}, rows[4][7:])
}

func TestFailOnViolation(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]int{"Gold": 0, "Silver": 2, vcavtest.PolicyID("Silver"): 2} {
		var out bytes.Buffer
		err := run(t.Context(), []string{"-fail-on-violation", "-policy", policy}, &out, io.Discard)
		assert.Equal(t, want, exitCode(err), "%s: %v", policy, err)
		assert.Contains(t, out.String(), "complies", "the report is there all the same")
		require.NoError(t, run(t.Context(), []string{"-policy", policy}, io.Discard, io.Discard))
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`policy "Bronze": not found`: {"-policy", "Bronze"},
		"none of table, json":        {"-format", "xml"},
		"not defined: -no-such-flag": {"-no-such-flag"},
		`"Gold" is not understood`:   {"Gold"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), args, &out, io.Discard)
		require.ErrorContains(t, err, want)
		assert.Equal(t, 1, exitCode(err))
		assert.Empty(t, out.String())
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-h"}, &out, io.Discard))
	for _, part := range []string{"usage: policy-report", "-fail-on-violation", "VCAV_THUMBPRINT"} {
		assert.Contains(t, out.String(), part)
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	err := run(ctx, []string{"-fail-on-violation"}, &out, io.Discard)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, exitCode(err))
	assert.Empty(t, out.String(), "half a report is none")
}

func TestApplianceOfTheEnvironment(t *testing.T) {
	server := vcavtest.NewServer(t)
	t.Setenv("VCAV_URL", server.URL)
	t.Setenv("VCAV_USER", server.User)
	t.Setenv("VCAV_PASSWORD", server.Password)
	t.Setenv("VCAV_THUMBPRINT", server.Thumbprint())
	var out, notes bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out, &notes))
	assert.Contains(t, out.String(), "org2          Default Policy  3             complies")
	assert.Empty(t, notes.String())
	assert.Zero(t, server.Sessions(), "signed out")
}

// What can be found out is shown, and the exit status tells that it is not all.
func TestPolicyThatCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"table": "?             Gold ", "json": `"gap":`, "csv": ",Gold,"} {
		server := vcavtest.NewServer(t, simulated()...)
		server.Inject(vcavtest.Fault{Operation: "Policies.Status", Resource: vcavtest.PolicyID("Gold"), Status: 500})
		var out bytes.Buffer
		err := report(t.Context(), connectTo(t, server), settings{format: format, failOnViolation: true}, &out)
		require.ErrorContains(t, err, "vcav.Policies.Status: 500")
		assert.Equal(t, 1, exitCode(err), "a gap weighs more than a violation")
		assert.Contains(t, out.String(), want)
		assert.Contains(t, out.String(), "stream-1 has an RPO")
	}
}

func TestTenantsMayNotAsk(t *testing.T) {
	t.Parallel()
	server := vcavtest.NewServer(t, append(simulated(), vcavtest.Tenant("ann@media", "ann's"))...)
	client, err := vcav.NewClient(server.URL, vcav.VCDCredentials("ann@media", drkit.NewSecret("ann's")), server.Options()...)
	require.NoError(t, err)
	var out bytes.Buffer
	err = report(t.Context(), client, settings{format: "table"}, &out)
	require.ErrorIs(t, err, drkit.ErrForbidden)
	require.ErrorContains(t, err, "only administrators")
	assert.Equal(t, 1, strings.Count(err.Error(), "Forbidden"), "said once, not for each policy")
	assert.Empty(t, out.String())
}

func TestViolationsInWords(t *testing.T) {
	t.Parallel()
	policy := vcav.Policy{PolicySettings: vcav.PolicySettings{MinRPO: 90, MaxInstances: 1, MaxIncoming: 1}}
	assert.Empty(t, violations(policy, vcav.PolicyStatus{ConfiguredReplications: 1}, nil))
	assert.Equal(t, []string{
		"2 replications beyond a quota of 1", "2 protections where none may come in", "1 migration where none may come in",
		"C4-gone has an RPO shorter than 90 min", "C4-gone keeps more instances than 1",
	}, violations(policy, vcav.PolicyStatus{
		QuotaViolation: 2, ProtectionViolation: 2, MigrationViolation: 1,
		NonRPOCompliant: []string{"C4-gone"}, NonInstancesCompliant: []string{"C4-gone"},
	}, nil))
	assert.Equal(t, "–", quota(policy), "none may come in, so that their number does not matter")
	assert.Equal(t, "nothing", directions(false, false))
}

func TestWriterThatFails(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"table", "json", "csv"} {
		require.ErrorIs(t, run(t.Context(), []string{"-format", format}, brokenPipe{}, io.Discard), io.ErrClosedPipe)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func connectTo(t *testing.T, server *vcavtest.Server) *vcav.Client {
	t.Helper()
	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)),
		append(server.Options(), drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, client.Close(context.WithoutCancel(t.Context()))) })
	return client
}
