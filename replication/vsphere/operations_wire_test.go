package vsphere_test

import (
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// Each operation, as it leaves and as it is understood.
func TestOperations(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			t.Run("done", func(t *testing.T) {
				t.Parallel()
				s, client := tc.layOut(t, answer(t, tc.status, tc.answer))
				tc.succeeds(t, s, client)
			})
			t.Run("refused", func(t *testing.T) {
				t.Parallel()
				s, client := tc.layOut(t, answer(t, tc.refusal.status, tc.refusal.sample))
				tc.fails(t, s, client)
			})
		})
	}
}

// layOut lays out the one answer of a case.
func (c wireCase) layOut(t *testing.T, reply httpmock.Responder) (*service, *vsphere.Client) {
	t.Helper()
	s := newService(t)
	method, path, _ := strings.Cut(c.request, " ")
	s.on(method, path, reply)
	return s, s.client()
}

func (c wireCase) succeeds(t *testing.T, s *service, client *vsphere.Client) {
	t.Helper()
	got, err := c.call(drkit.WithOperationID(wire(t), "runbook-7/step 2"), client)
	require.NoError(t, err)
	assert.Equal(t, c.want, got)

	request := s.Only()
	assert.Equal(t, []string{c.line()}, s.lines())
	assert.Equal(t, headers(givenToken, c.body != ""), request.Header)
	if c.body == "" {
		assert.Empty(t, request.Body)
	} else {
		assert.JSONEq(t, testdata(t, c.body), request.Body)
	}
}

func (c wireCase) fails(t *testing.T, s *service, client *vsphere.Client) {
	t.Helper()
	got, err := c.call(drkit.WithOperationID(wire(t), "op-1"), client)
	require.Error(t, err)
	assert.Empty(t, got)
	said := answerOf(t, err)
	assert.Equal(t, c.refusal.status, said.Status)
	assert.Equal(t, c.refusal.code, said.Code)
	assert.Equal(t, c.refusal.message, said.Message)
	assert.False(t, said.Foreign)
	if c.refusal.kind != nil {
		require.ErrorIs(t, err, c.refusal.kind)
	}
	require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, "an answer of 4xx in the service's own format settles it")
	_, path, _ := strings.Cut(c.request, " ")
	for _, part := range []string{"vsphere." + c.operation, c.refusal.code, c.refusal.message, path, "op-1"} {
		assert.Contains(t, err.Error(), part)
	}
	assert.Equal(t, []string{c.line()}, s.lines())
}

// The vendor's sample of an active image, byte for byte: created_time is text, a machine an object, and the errors
// of _meta are in it.
func TestActiveImageOfTheVendor(t *testing.T) {
	t.Parallel()
	s := newService(t)
	const sample = `{
    "id": "string",
    "created_time": "string",
    "snapshots_for_pit_instances": false,
    "instance_id": "string",
    "committed": false,
    "vm_ids": [
        {}
    ],
    "test_bubble_image": false,
    "_meta": {
        "errors": [
            {
                "code": "string",
                "message": "string",
                "field": "string"
            }
        ]
    }
}`
	s.on("GET", onLedger+"/active-image", says(200, sample), says(404, ""), says(500, testdata(t, "error")))
	replications := replicationsOf(s.client())
	image, err := replications.ActiveImage(t.Context(), ledger)
	require.NoError(t, err)
	assert.Equal(t, vsphere.ReplicationImage{
		ID: "string", CreatedTime: vsphere.Time{Text: "string"}, InstanceID: "string",
		VMIDs: []vsphere.ImageVM{{Members: image.VMIDs[0].Members}},
		Meta:  vsphere.Metadata{Errors: []vsphere.MetaError{{Code: "string", Message: "string", Field: "string"}}},
	}, image)
	assert.Empty(t, image.VMIDs[0].Members)
	require.ErrorIs(t, image.Meta.Err(), vsphere.ErrPartial)

	_, err = replications.ActiveImage(t.Context(), ledger)
	require.ErrorIs(t, err, drkit.ErrNotFound)
	assert.ErrorContains(t, err, "no active image")

	_, err = replications.ActiveImage(t.Context(), ledger)
	said := answerOf(t, err)
	assert.Equal(t, "INVALID_ARGUMENT", said.Code)
	assert.Equal(t, []string{"op_id=0b9d2f64-7a31-4c58-8e02-6f1a2b3c0066"}, said.Args)
	assert.ErrorContains(t, err, "op_id 0b9d2f64-7a31-4c58-8e02-6f1a2b3c0066")
}

// A few answers as Go has them: the walk over the samples compares all members, but not with what a person reads.
func TestAnswersInGo(t *testing.T) {
	t.Parallel()
	replication := one[vsphere.ReplicationInfo](t, "replications_get.answer")
	assert.Equal(t, vsphere.ReplicationStatus{Status: vsphere.ReplicationStateSyncRPOViolation, RPOViolation: true}, replication.Status)
	assert.Equal(t, int64(1763715000789), replication.LastSyncTime.UnixMilli())
	assert.Equal(t, "host-12", replication.ConfigurationError.Details)
	assert.Equal(t, int64(7), replication.CurrentRPOViolation)

	task := one[vsphere.Task](t, "tasks_get.answer")
	assert.True(t, task.Ended())
	var failed *drkit.TaskError
	require.ErrorAs(t, task.Err(), &failed)
	assert.Equal(t, "The replica cannot be read. Datastore:datastore-16 is not accessible.", failed.Message)
	assert.Equal(t, "hms.task.pauseReplication", failed.Type)
	require.NotErrorIs(t, failed, drkit.ErrCancelled)

	for want, failure := range map[string]vsphere.TaskFailure{
		"a": {Message: "a"}, "b": {Details: " b\n"}, "a: b": {Message: "a", Details: "b"}, "a and more": {Message: "a", Details: "a and more"},
	} {
		assert.Equal(t, want, failure.String())
	}

	disks := rows[vsphere.VMDisk](t, "vms_disks.answer")
	capacity, known := disks[0].Capacity.Get()
	assert.True(t, known)
	assert.Equal(t, int64(41943040), capacity, "kilobytes")
	assert.True(t, disks[1].IsVMHome.Or(false))
	assert.True(t, disks[1].SourceStoragePolicyID.IsNull())

	image := one[vsphere.ReplicationImage](t, "replications_active_image.answer")
	assert.Equal(t, int64(1763716100000), image.CreatedTime.UnixMilli())
	assert.Equal(t, "VirtualMachine:vm-310:"+east, image.VMIDs[0].ID)
}
