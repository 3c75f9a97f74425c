package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/crashtest"
)

// Whoever runs the tests may have named an appliance in the environment. They must not fail over what it has.
// The test binary is also the processes of the campaigns: see [child].
func TestMain(m *testing.M) {
	if role := os.Getenv(crashtest.RoleVariable); role != "" {
		os.Exit(child(role))
	}
	if err := os.Unsetenv("VCAV_URL"); err != nil {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func start(ctx context.Context, out *bytes.Buffer, args ...string) error {
	return program{open: openJournal}.run(ctx, args, out)
}

func TestOnTheSimulator(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, start(t.Context(), &out))
	for _, line := range []string{
		"using a simulated appliance", "wave 1 of 3: db-1, db-2\n", "db-1: sync is task ", "db-1: failover is task ",
		"wave 3 of 3: files-1, web-1, web-2\n",
	} {
		assert.Contains(t, out.String(), line)
	}
	assert.Equal(t, 7, bytes.Count(out.Bytes(), []byte("  recovered")))
}
