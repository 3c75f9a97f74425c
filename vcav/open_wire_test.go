package vcav_test

import (
	"os"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav"
)

// open marks a test of what the client does not do yet: DRKIT_OPEN=1 go test -run TestOpen ./vcav runs
// them. Whoever closes one takes the mark away and moves the test to its kind.
func open(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("DRKIT_OPEN") == "" {
		t.Skip("open: " + what)
	}
}

// openToOtherKinds are the operations that take any JSON object for their answer.
var openToOtherKinds = map[string]bool{
	"Sessions.Extend": true, "VMReplications.VirtualHardware": true, "Tasks.Poll": true,
}

// A JSON object that is not what was asked for is no answer: TestObjectOfAnotherKind for these, too.
func TestOpenObjectOfAnotherKind(t *testing.T) {
	t.Parallel()
	open(t, "Sessions.Extend, VirtualHardware and Tasks.Poll take {\"status\":\"ok\"} for their answer")
	for _, tc := range wireCases(t) {
		if !openToOtherKinds[tc.operation] {
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.onAny(httpmock.NewStringResponder(200, `{"status":"ok"}`))
			_, err := tc.run(t.Context(), here(s.client()))
			require.ErrorContains(t, err, "the answer cannot be used")
		})
	}
}

// A result whose type says that it is something else is not handed out: a bundle has an id, too.
func TestOpenResultOfAnotherType(t *testing.T) {
	t.Parallel()
	open(t, "ResultOf does not look at Task.ResultType")
	_, err := vcav.ResultOf[vcav.VMReplication](allTasks(t)[3])
	require.ErrorContains(t, err, "SupportBundleInfo")
}
