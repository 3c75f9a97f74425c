package checkpoints

import (
	"context"

	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Capabilities say what the service can do.
type Capabilities struct{ resource }

// Replication returns from which regions backups can be copied to which. It is safe to repeat.
//
// Roles: cbr:backups:queryReplicationCapability.
//
// Source: CBR API reference, "Querying the Replication Capability".
func (c *Capabilities) Replication(ctx context.Context) ([]ReplicationRegion, error) {
	var answer struct{ Regions []ReplicationRegion }
	err := c.do(ctx, transport.Call{Operation: &contract.CapabilitiesReplication}, &answer)
	return answer.Regions, err
}
