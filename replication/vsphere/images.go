package vsphere

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// What is here concerns incoming replications, and is asked for at the site that recovers. Appliances of the
// published version 2.0.0 do not have it, and answer [drkit.ErrNotFound].

// ActiveImage returns the machine that was made from a replica: a test bubble, or a failover. There is one at most.
// It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no active image, and just so if there is no such replication at this site:
// the service does not tell the two apart.
// Source: vSphere Replication REST API reference, "Get Active Replication Image".
func (r *Replications) ActiveImage(ctx context.Context, id string) (ReplicationImage, error) {
	var image ReplicationImage
	err := r.at.do(ctx, transport.Call{Operation: &contract.ReplicationsActiveImage, Path: []string{id}}, &image)
	return image, noImage(err)
}

// Instances walks the points in time that a replication can be recovered to, in no order that is documented: their
// TransferStartTime tells which is the latest. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such replication.
// Source: vSphere Replication REST API reference, "All point-in-time instances"; path and query are those of a client.
func (r *Replications) Instances(ctx context.Context, id string, query ListQuery) iter.Seq2[PointInTimeInstance, error] {
	return walk(ctx, list[PointInTimeInstance]{
		at: r.at, call: transport.Call{Operation: &contract.ReplicationsInstances, Path: []string{id}}, query: query,
		id: func(row *PointInTimeInstance) string { return row.ID },
	})
}

// Instance returns one point in time. It is safe to repeat.
//
// Experimental: nobody has seen its path, which is inferred from that of [Replications.Instances].
//
// Errors: [drkit.ErrNotFound] if there is no such replication or instance.
// Source: vSphere Replication REST API reference, "One point-in-time instance".
func (r *Replications) Instance(ctx context.Context, id, instance string) (PointInTimeInstance, error) {
	var one PointInTimeInstance
	err := r.at.do(ctx, transport.Call{Operation: &contract.ReplicationsInstance, Path: []string{id, instance}}, &one)
	return one, err
}

// Test makes a test bubble: a machine from a point in time, which leaves the replication as it is. It is called
// after the replication, with "-test-vm" at its end. A replication has one image at a time; it should be paused
// before, where the image is to be promoted. The request is sent at most once.
//
// Source: vSphere Replication REST API reference, "Run test"; the path is that of a client.
func (r *Replications) Test(ctx context.Context, id string, test RunTestRecovery) (*drkit.Poller[Task], error) {
	for _, argument := range []struct{ name, value string }{
		{"InstanceID", test.InstanceID}, {"FolderID", test.FolderID}, {"ComputeResourceID", test.ComputeResourceID},
	} {
		if strings.TrimSpace(argument.value) == "" {
			return nil, fmt.Errorf("%s.%s: %s is empty", service, contract.ReplicationsTest.Name, argument.name)
		}
	}
	return r.at.begin(ctx, transport.Call{Operation: &contract.ReplicationsTest, Path: []string{id}, Body: test})
}

// CleanUp takes a test bubble away. No body is documented, and an empty image sends none; image, the ID of the
// [ReplicationImage], is what a client is seen to send. The request is sent at most once.
//
// Source: vSphere Replication REST API reference, "Run cleanup".
func (r *Replications) CleanUp(ctx context.Context, id, image string) (*drkit.Poller[Task], error) {
	call := transport.Call{Operation: &contract.ReplicationsCleanUp, Path: []string{id}}
	if image != "" {
		call.Body = value(image)
	}
	return r.at.begin(ctx, call)
}

// PromoteTestImage keeps what a test bubble holds as an instance, which a recovery without a named instance prefers
// over newer ones; image is the ID of the [ReplicationImage]. It fails for the image of a failover. The request is
// sent at most once.
//
// Source: vSphere Replication REST API reference, "Promote test image".
func (r *Replications) PromoteTestImage(ctx context.Context, id, image string) (*drkit.Poller[Task], error) {
	return r.at.begin(ctx, transport.Call{Operation: &contract.ReplicationsPromoteTestImage, Path: []string{id}, Body: value(image)})
}

// DemoteTestImage lets an instance that was promoted grow old and go, like all others. The request is sent at most
// once.
//
// Source: vSphere Replication REST API reference, "Demote test image".
func (r *Replications) DemoteTestImage(ctx context.Context, id string) (*drkit.Poller[Task], error) {
	return r.at.begin(ctx, transport.Call{Operation: &contract.ReplicationsDemoteTestImage, Path: []string{id}})
}

// image returns the active image of a replication, if there is one.
func (r *Replications) image(ctx context.Context, id string) (image ReplicationImage, there bool, err error) {
	image, err = r.ActiveImage(ctx, id)
	if errors.Is(err, drkit.ErrNotFound) {
		return ReplicationImage{}, false, nil
	}
	return image, err == nil, err
}
