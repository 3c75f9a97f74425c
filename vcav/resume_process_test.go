package vcav_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

const resumeVariable = "DRKIT_RESUME_CHILD"

// inherited is what one process leaves to the next.
type inherited struct{ URL, Thumbprint, User, Password, Token string }

// A task that one process has started is waited for by another, which knows the appliance by another name.
func TestResumeInAnotherProcess(t *testing.T) {
	t.Parallel()
	server := vcavtest.NewServer(t, vcavtest.TaskDuration(0, 500*time.Millisecond))
	client := connect(t, server)
	poller, err := client.VMReplications.Failover(t.Context(), vcavtest.ReplicationID("db-1"), vcav.CloudFailover{PowerOn: true})
	require.NoError(t, err)
	token, err := poller.ResumeToken(t.Context())
	require.NoError(t, err)
	require.NoError(t, client.Close(t.Context()), "this process is done with it")

	endpoint := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	require.NotEqual(t, server.URL, endpoint)
	estate, err := json.Marshal(inherited{endpoint, server.Thumbprint(), server.User, server.Password, token})
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestResumeChild$")
	command.Env = append(os.Environ(), resumeVariable+"=1")
	command.Stdin = strings.NewReader(string(estate))
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))
	assert.Contains(t, string(output), "resumed: db-1 COMPLETE")
	assert.Equal(t, 1, server.Ran(failover, vcavtest.ReplicationID("db-1")))
}

// TestResumeChild is the other process.
func TestResumeChild(t *testing.T) {
	if os.Getenv(resumeVariable) == "" {
		t.Log("a process of its own in TestResumeInAnotherProcess only")
		return
	}
	var left inherited
	require.NoError(t, json.NewDecoder(os.Stdin).Decode(&left))
	client, err := vcav.NewClient(left.URL, vcav.LocalUser(left.User, drkit.NewSecret(left.Password)),
		append(quick, drkit.WithThumbprint(left.Thumbprint))...)
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close(t.Context())) }()
	poller, err := vcav.Resume[vcav.VMReplication](client, left.Token)
	require.NoError(t, err)
	done, err := poller.Wait(t.Context())
	require.NoError(t, err)
	_, err = os.Stdout.WriteString("resumed: " + done.VMName + " " + string(done.DestinationState.RecoveryInfo.RecoveryState) + "\n")
	require.NoError(t, err)
}
