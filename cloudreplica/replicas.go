package cloudreplica

import (
	"context"

	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// VMReplicaPoints are the restore points of replicated machines: of snapshot replicas of all platforms, and of
// replicas of continuous data protection. No field, link or filter tells whose tenant they are.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "/cloud/vmReplicaPoints".
type VMReplicaPoints struct {
	Collection[CloudVMReplicaPoint]
	Finder[CloudVMReplicaPoint]
}

// Replicas are the replicas of tenants. No field, link or filter tells whose tenant they are.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "/cloud/replicas".
type Replicas struct {
	Collection[CloudReplica]
	Finder[CloudReplica]
}

// PointRefs returns references to the restore points of a replica. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such replica; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/replicas/{ID}/vmReplicaPoints".
func (r *Replicas) PointRefs(ctx context.Context, id string) ([]EntityRef, error) {
	return referencesOf(ctx, r.Collection.client, transport.Call{Operation: &contract.ReplicasPointRefs, Path: []string{id}})
}

// Replica returns the link to the replica of a point: its id and its name stand nowhere else.
func (p CloudVMReplicaPoint) Replica() (link Link, found bool) {
	return p.Links.Find(RelUp, "CloudReplicaReference")
}

// BackupServer returns the link to the backup server of an entity.
func (e Entity) BackupServer() (link Link, found bool) {
	return e.Links.Find(RelUp, "BackupServerReference")
}
