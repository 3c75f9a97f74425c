package checkpoints_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// peers are the ways in which other Go clients of the service fail, as they were measured or read in their code, and
// the tests by which this one does not. Their names stand in full: TestPeers holds that all of them are there.
var peers = []struct{ row, failure, tests string }{
	{"coverage", "half of the operations, and a replication whose body is wrapped once too often", "TestContractIsCovered TestEveryMethodHasACase TestOperations"},
	{"auth", "signatures alone, or tokens alone", "TestWaysToSignIn TestSignatureOfTheGuide TestRealKeystone"},
	{"token renewal", "each refusal leads to one more sign-in, without end", "TestLastingRefusal TestRefusedCredentials TestMalformedIDIsNoExpiredToken"},
	{"token renewal", "nothing keeps goroutines from signing in all at once", "TestTokensAreRenewedAheadOfTheirEnd TestTokenThatEndsEarly TestTokensOfMinutes"},
	{"context", "calls take none", "TestWaitsEndWithTheirContext"},
	{"retries", "a POST goes out again after 502 and 504", "TestOnceWhoseAnswerIsLost TestTroubleOnTheWay"},
	{"retries", "503 is the end of what could be sent again", "TestWhatMayRepeatIsSentAgain TestTroubleOnTheWay"},
	{"retries", "patience with 429 is used up over the life of a client, a minute at a time", "TestThrottlingIsCountedForEachCall TestThrottledGateway"},
	{"retries", "a sleep that nothing interrupts", "TestWaitsEndWithTheirContext"},
	{"Retry-After", "ignored", "TestOnceThatTheGatewayRefuses TestThrottledSignIn TestThrottledSignIns"},
	{"errors", "the body is not read: no code, no request ID", "TestErrorShapes TestEveryCodeHasAGroup TestRequestIDs"},
	{"errors", "a redirect and an empty 200 count as success", "TestRedirectsAreNotFollowed TestAnswersWithoutTheirObject"},
	{"paging", "one page is read twice and the others never, and the list of tasks is always empty", "TestListsAreReadToTheirEnd TestParallelPagesKeepTheOrder TestListsByMarker"},
	{"paging", "an answer that is no list is an empty one", "TestAnswersThatAreNoList"},
	{"waiting", "none, or a poll each second that nothing ends, one for each that waits", "TestFiveHundredCopiesShareTheirLooks TestWaitsEndWithTheirContext"},
	{"enums", "types that no switch takes, or values that do not survive", "TestUnknownValuesSurvive"},
	{"optional fields", "incremental, power_on and enabled cannot be false", "TestFalseIsSaid"},
	{"decoding", "documented answers do not decode", "TestContradictoryAnswers TestAnswersInAllSpellings TestNumbersTextsAndFlags"},
	{"decoding", "12:00+08:00 is read as 12:00 in UTC", "TestTimes TestAnswersInAllSpellings"},
	{"connections", "a new one for each request", "TestConnectionsAreReused"},
	{"connections", "no proxy", "TestProxyOfTheUser"},
	{"path safety", "an empty id makes a DELETE of the collection", "TestEmptyIdentifiersAreRefused"},
	{"path safety", "parameters go out as they are, and a missing project as literal text", "TestIdentifiersAreEscaped TestKeysOfTagsInThePath TestConstructorRefuses"},
	{"panics", "answers that make the decoder panic", "FuzzAnswers FuzzErrors FuzzTokenAnswer"},
	{"testing", "nothing to test against", "TestAnswersInAllSpellings checkpointstest.TestEveryOperationIsSimulated"},
	{"privacy", "an id of the installation in the home folder, and with each request", "house.TestCodeDoesWithoutBannedCalls TestOperations"},
	{"weight", "twelve modules", "house.TestImporterLinksFewModules house.TestImporterHasASmallModuleGraph"},
}

// Wherever a peer fails there is a test of ours, and it is still there.
func TestPeers(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for prefix, folder := range map[string]string{"": ".", "checkpointstest.": "checkpointstest", "house.": "../internal/house"} {
		for _, name := range testsIn(t, folder) {
			known[prefix+name] = true
		}
	}
	for _, peer := range peers {
		names := strings.Fields(peer.tests)
		assert.NotEmpty(t, names, peer.row)
		for _, name := range names {
			assert.True(t, known[name], "%s (%s): there is no %s", peer.row, peer.failure, name)
		}
	}
	assert.False(t, known["TestThatIsNotThere"])
}

// testsIn returns the names of the tests in a folder.
func testsIn(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files, folder)
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		syntax, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declared := range syntax.Decls {
			if function, ok := declared.(*ast.FuncDecl); ok && function.Recv == nil {
				names = append(names, function.Name.Name)
			}
		}
	}
	return names
}

// Three booleans are true where nothing is said, so that false has to be.
func TestFalseIsSaid(t *testing.T) {
	flow(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
		ctx, production, app := t.Context(), checkpointstest.VaultID("production"), checkpointstest.VMID("app-1")
		for _, incremental := range []drkit.Opt[bool]{{}, {}, drkit.Some(true), drkit.Some(false)} {
			_, err := client.Checkpoints.Create(ctx, checkpoints.VaultBackup{
				VaultID: production, Parameters: drkit.Some(checkpoints.CheckpointParam{Incremental: incremental, Resources: []string{app}}),
			})
			require.NoError(t, err)
			pass(time.Hour)
		}
		query := checkpoints.BackupQuery{ResourceID: app, Sort: []checkpoints.SortField{checkpoints.Asc("created_at")}}
		backups, err := drkit.Collect(client.Backups.List(ctx, query))
		require.NoError(t, err)
		require.Len(t, backups, 4)
		var built []bool
		for _, backup := range backups {
			built = append(built, backup.Incremental || backup.ExtendInfo.Incremental)
		}
		assert.Equal(t, []bool{false, true, true, false}, built, "the first cannot be, and the last was not to be")

		for _, power := range []struct {
			on   drkit.Opt[bool]
			want string
		}{{drkit.Some(false), "SHUTOFF"}, {drkit.Some(true), "ACTIVE"}, {drkit.Opt[bool]{}, "ACTIVE"}} {
			server.SetResourceStatus(app, "SHUTOFF")
			_, err = client.Backups.Restore(ctx, backups[0].ID, checkpoints.BackupRestore{
				ServerID: drkit.Some(app), PowerOn: power.on,
				Mappings: []checkpoints.RestoreMapping{{BackupID: backups[0].Children[0].ID, VolumeID: checkpointstest.DiskID("app-1", 0)}},
			})
			require.NoError(t, err)
			pass(time.Hour)
			restored, err := client.Protectables.Get(ctx, checkpoints.ProtectableTypeServer, app)
			require.NoError(t, err)
			assert.Equal(t, power.want, restored.Status)
		}

		for _, enabled := range []bool{true, false} {
			create := nightly(t, "nightly")
			create.Enabled = drkit.Some(enabled)
			creation, err := client.Policies.Create(ctx, create)
			require.NoError(t, err)
			_, err = creation.Wait(ctx)
			require.NoError(t, err)
			policies, err := client.Policies.List(ctx, checkpoints.PolicyQuery{})
			require.NoError(t, err)
			require.Len(t, policies, 1)
			assert.Equal(t, enabled, policies[0].Enabled)
			changed, err := client.Policies.Update(ctx, policies[0].ID, checkpoints.PolicyUpdate{Enabled: drkit.Some(!enabled)})
			require.NoError(t, err)
			assert.Equal(t, !enabled, changed.Enabled)
			require.NoError(t, client.Policies.Delete(ctx, changed.ID))
		}
	}, checkpointstest.Play(checkpointstest.HuaweiCloud))
}

// Keys of tags stand in paths, whatever is in them.
func TestKeysOfTagsInThePath(t *testing.T) {
	flow(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
		production := checkpointstest.VaultID("production")
		for _, key := range []string{"plain", "two words", "50%", "a?b#c&d", "a..b", "%2F", "grün", "+", ":@;"} {
			require.NoError(t, client.Tags.Set(t.Context(), production, checkpoints.Tag{Key: key, Value: "v"}), key)
			assert.Equal(t, map[string]string{key: "v"}, server.Vault(production).Tags)
			require.NoError(t, client.Tags.Delete(t.Context(), production, key), key)
			assert.Empty(t, server.Vault(production).Tags, key)
		}
		for _, key := range []string{"", ".", ".."} { // proxies make another path of it
			require.Error(t, client.Tags.Delete(t.Context(), production, key))
		}
		assert.Zero(t, server.Count("Vaults.Get")+server.Count("Vaults.Delete"))
		require.NoError(t, client.Tags.Set(t.Context(), production, checkpoints.Tag{Key: "kept"}))
		require.ErrorIs(t, client.Tags.Delete(t.Context(), production, "other/../kept"), drkit.ErrNotFound)
		assert.Equal(t, map[string]string{"kept": ""}, server.Vault(production).Tags)
	}, checkpointstest.Play(checkpointstest.HuaweiCloud))
}
