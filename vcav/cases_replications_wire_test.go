package vcav_test

import (
	"context"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// The wire cases of VM replications.

func replicationCases() []wireCase {
	rows := []vcav.VMReplication{orders(), ordersWeb()}
	return []wireCase{
		{
			operation: "VMReplications.Get", request: "GET /vm-replications/" + ordersID,
			call:   func(ctx context.Context, r resources) (any, error) { return r.VMReplications.Get(ctx, ordersID) },
			status: 200, answer: "vm_replications_get.answer", want: orders(), refusal: notFound,
		},
		{
			operation: "VMReplications.Get", kind: "on premises", request: "GET /vm-replications/" + billingID,
			call:   func(ctx context.Context, r resources) (any, error) { return r.VMReplications.Get(ctx, billingID) },
			status: 200, answer: "vm_replications_get.on_premises.answer", want: billing(), refusal: forbidden,
		},
		{
			operation: "VMReplications.Instances", request: "GET /vm-replications/" + ordersID + "/instances",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.VMReplications.Instances(ctx, ordersID)
			},
			status: 200, answer: "vm_replications_instances.answer", want: instances(), refusal: notFound,
		},
		{
			operation: "VMReplications.List", request: "GET /vm-replications",
			call: func(ctx context.Context, r resources) (any, error) {
				return drkit.Collect(r.VMReplications.List(ctx, vcav.VMReplicationQuery{}))
			},
			status: 200, answer: "vm_replications_list.answer", want: rows, refusal: serverFailure,
		},
		{
			operation: "VMReplications.List", kind: "every parameter",
			request: "GET /vm-replications", query: replicationParameters,
			call: func(ctx context.Context, r resources) (any, error) {
				return drkit.Collect(r.VMReplications.List(ctx, everyReplicationParameter()))
			},
			status: 200, answer: "vm_replications_list.answer", want: rows, refusal: forbidden,
		},
	}
}

// detailCases are the reads of one replication.
func detailCases() []wireCase {
	instancePath := "GET /vm-replications/" + ordersID + "/instances/" + instanceID
	return []wireCase{
		{
			operation: "VMReplications.Instance", request: instancePath,
			call: func(ctx context.Context, r resources) (any, error) {
				return r.VMReplications.Instance(ctx, ordersID, instanceID)
			},
			status: 200, answer: "vm_replications_instance.answer", want: instanceDetails(), refusal: notFound,
		},
		{
			operation: "VMReplications.VirtualHardware", request: "GET /vm-replications/" + ordersID + "/virtual-hardware",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.VMReplications.VirtualHardware(ctx, ordersID)
			},
			status: 200, answer: "vm_replications_virtual_hardware.answer", want: virtualHardware(), refusal: notFound,
		},
		{
			operation: "VMReplications.VirtualHardware", kind: "unknown",
			request: "GET /vm-replications/" + ordersID + "/virtual-hardware",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.VMReplications.VirtualHardware(ctx, ordersID)
			},
			status: 200, answer: "vm_replications_virtual_hardware.unknown", want: unknownHardware(), refusal: forbidden,
		},
		{
			operation: "VMReplications.Traffic", request: "GET /vm-replications/" + ordersID + "/traffic",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Statistics.Traffic(ctx, ordersID, vcav.TrafficQuery{})
			},
			status: 200, answer: "vm_replications_traffic.answer", want: traffic(), refusal: notFound,
		},
		{
			operation: "VMReplications.Traffic", kind: "every parameter",
			request: "GET /vm-replications/" + ordersID + "/traffic", query: trafficParameters,
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Statistics.Traffic(ctx, ordersID, everyTrafficParameter())
			},
			status: 200, answer: "vm_replications_traffic.answer", want: traffic(), refusal: forbidden,
		},
		{
			operation: "VMReplications.DiskUsage", request: "GET /vm-replications/" + ordersID + "/disk-usage",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Statistics.DiskUsage(ctx, ordersID, vcav.DiskUsageQuery{})
			},
			status: 200, answer: "vm_replications_disk_usage.answer", want: diskUsage(), refusal: serverFailure,
		},
		{
			operation: "VMReplications.DiskUsage", kind: "every parameter",
			request: "GET /vm-replications/" + ordersID + "/disk-usage", query: diskUsageParameters,
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Statistics.DiskUsage(ctx, ordersID, everyDiskUsageParameter())
			},
			status: 200, answer: "vm_replications_disk_usage.answer", want: diskUsage(), refusal: notFound,
		},
	}
}

// startCases are the operations without a body that answer a task.
func startCases() []wireCase {
	return []wireCase{
		{
			operation: "VMReplications.Sync", request: "POST /vm-replications/" + ordersID + "/sync",
			begin: func(ctx context.Context, r resources) (follower, error) {
				return begun(r.VMReplications.Sync(ctx, ordersID))
			},
			status: 202, answer: "vm_replications_sync.answer",
			want: taskOf("c5a81e3f-72b9-4d06-8e14-f09d6b37c2a5"), refusal: notFound,
		},
		{
			operation: "VMReplications.CleanUpTestFailover",
			request:   "DELETE /vm-replications/" + ordersID + "/failover-test",
			begin: func(ctx context.Context, r resources) (follower, error) {
				return begun(r.VMReplications.CleanUpTestFailover(ctx, ordersID))
			},
			status: 202, answer: "vm_replications_clean_up_test_failover.answer",
			want: taskOf("f10b65c8-39ad-4e72-8c56-a2e7d0943b1f"), refusal: conflict,
		},
		{
			operation: "VMReplications.Reverse", request: "POST /vm-replications/" + ordersID + "/reverse",
			begin: func(ctx context.Context, r resources) (follower, error) {
				return begun(r.VMReplications.Reverse(ctx, ordersID))
			},
			status: 202, answer: "vm_replications_reverse.answer",
			want: taskOf("a4e7d219-c05f-4b36-97d8-6f3b18e5c0d4"), refusal: forbidden,
		},
		{
			operation: "VMReplications.Stop", request: "DELETE /vm-replications/" + ordersID,
			begin: func(ctx context.Context, r resources) (follower, error) {
				return begun(r.VMReplications.Stop(ctx, ordersID))
			},
			status: 202, answer: "vm_replications_stop.answer",
			want: taskOf("07d5b8e2-9c4f-4a13-b6e0-f8d27a31c594"), refusal: conflict,
		},
		{
			operation: "VMReplications.Pause", request: "POST /vm-replications/" + ordersID + "/pause",
			begin: func(ctx context.Context, r resources) (follower, error) {
				return begun(r.VMReplications.Pause(ctx, ordersID))
			},
			status: 202, answer: "vm_replications_pause.answer",
			want: taskOf("c2f09e64-5ba7-4d81-9e3c-7a1d68f0b523"), refusal: notFound,
		},
		{
			operation: "VMReplications.Resume", request: "POST /vm-replications/" + ordersID + "/resume",
			begin: func(ctx context.Context, r resources) (follower, error) {
				return begun(r.VMReplications.Resume(ctx, ordersID))
			},
			status: 202, answer: "vm_replications_resume.answer",
			want: taskOf("5b7e3a10-d8c9-4f46-a1f2-96e04c8d7b35"), refusal: forbidden,
		},
	}
}

// changeCases are the operations with a body that answer a task, but for failovers.
func changeCases() []wireCase {
	var cases []wireCase
	add := func(operation, kind, request, task string, refusal refusal, begin func(context.Context, resources) (follower, error)) {
		sample := strings.TrimPrefix(snake("VMReplications."+operation), ".")
		cases = append(cases, wireCase{
			operation: "VMReplications." + operation, kind: kind, request: request, begin: begin,
			body: requestSample(sample, kind), status: 202, answer: sample + ".answer", want: taskOf(task), refusal: refusal,
		})
	}
	for kind, request := range startRequests() {
		add("Start", kind, "POST /vm-replications", "4e19a7d3-f580-4c26-8b9d-03c7e5f62a81", forbidden,
			func(ctx context.Context, r resources) (follower, error) {
				return begun(r.VMReplications.Start(ctx, request))
			})
	}
	path := "/vm-replications/" + ordersID
	for kind, request := range migrateRequests() {
		add("Migrate", kind, "POST "+path+"/migrate", "f4c8d156-02ae-4b97-8d5e-b3906ef17a2c", conflict,
			func(ctx context.Context, r resources) (follower, error) {
				return begun(r.VMReplications.Migrate(ctx, ordersID, request))
			})
	}
	for kind, request := range reconfigureRequests() {
		add("Reconfigure", kind, "PATCH "+path, "8e60c3f7-b41d-4592-a7d8-25f9e1c0b64a", notFound,
			func(ctx context.Context, r resources) (follower, error) {
				return begun(r.VMReplications.Reconfigure(ctx, ordersID, request))
			})
	}
	for kind, disks := range map[string][]int{"": {2000, 2001}, "none": nil} {
		add("ReconfigureDisks", kind, "PATCH "+path+"/disks", "16ad92e5-7f3b-4c08-b5e9-d04c81f6a739", conflict,
			func(ctx context.Context, r resources) (follower, error) {
				return begun(r.VMReplications.ReconfigureDisks(ctx, ordersID, disks))
			})
	}
	return cases
}

func failoverCases() []wireCase {
	return []wireCase{
		failoverCase("cloud", cloudFailover()),
		failoverCase("vcenter", vCenterFailover()),
		testFailoverCase("cloud", cloudFailoverTest()),
		testFailoverCase("cloud_instance", vcav.CloudFailoverTest{InstanceID: drkit.Some(instanceID)}),
		testFailoverCase("vcenter", vCenterFailoverTest()),
	}
}

func failoverCase(kind string, request vcav.FailoverRequest) wireCase {
	return wireCase{
		operation: "VMReplications.Failover", kind: kind,
		begin: func(ctx context.Context, r resources) (follower, error) {
			return begun(r.VMReplications.Failover(ctx, ordersID, request))
		},
		request: "POST /vm-replications/" + ordersID + "/failover", body: "vm_replications_failover." + kind + ".request",
		status: 202, answer: "vm_replications_failover.answer", want: taskOf(taskID), refusal: conflict,
	}
}

func testFailoverCase(kind string, request vcav.FailoverTestRequest) wireCase {
	return wireCase{
		operation: "VMReplications.TestFailover", kind: kind,
		begin: func(ctx context.Context, r resources) (follower, error) {
			return begun(r.VMReplications.TestFailover(ctx, ordersID, request))
		},
		request: "POST /vm-replications/" + ordersID + "/failover-test",
		body:    "vm_replications_test_failover." + kind + ".request",
		status:  202, answer: "vm_replications_test_failover.answer",
		want: taskOf("3c92d7f0-e6b5-4a81-b0cf-58d14e97a62b"), refusal: notFound,
	}
}
