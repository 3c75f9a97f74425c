package cloudreplica

import (
	"context"

	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// HardwarePlans are what tenants may use for replicas.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "/cloud/hardwarePlans".
type HardwarePlans struct {
	Collection[CloudHardwarePlan]
	Finder[CloudHardwarePlan]
}

// Tenants returns the tenants that have subscribed to a hardware plan. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such plan; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/hardwarePlans/{ID}/tenants".
func (h *HardwarePlans) Tenants(ctx context.Context, id string) ([]CloudTenant, error) {
	call := transport.Call{Operation: &contract.HardwarePlansTenants, Path: []string{id}}
	return entitiesOf[CloudTenant](ctx, h.Collection.client, call)
}

// Gateways are what tenants connect to.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "/cloud/gateways".
type Gateways struct {
	Collection[CloudGateway]
	Finder[CloudGateway]
}

// GatewayPools are the pools of gateways.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "/cloud/gatewayPools".
type GatewayPools struct {
	Collection[CloudGatewayPool]
	Finder[CloudGatewayPool]
}

// BackupServers are the servers whose data Enterprise Manager shows.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "/backupServers".
type BackupServers struct {
	Collection[BackupServer]
	Finder[BackupServer]
}

// SystemSessions are what Enterprise Manager did by itself. The query service does not know them.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "/systemSessions".
type SystemSessions struct{ Collection[SystemSession] }
