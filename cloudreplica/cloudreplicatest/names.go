package cloudreplicatest

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

func stableID(names ...string) string { return simkit.StableID(names...) }

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// identified is a given id, or another where none is given.
func identified(given, otherwise string) (string, error) {
	id := strings.ToLower(or(given, otherwise))
	if !uuid.MatchString(id) {
		return "", fmt.Errorf("the ID %q is no UUID", given)
	}
	return id, nil
}

// BackupServerID returns the id of a backup server.
func BackupServerID(name string) string { return stableID("server", name) }

// TenantID returns the id that a tenant has unless its [Tenant] names another. Tenants that clients create have fresh
// ones.
func TenantID(name string) string { return stableID("tenant", name) }

// ReplicaID returns the id that a replica has unless its [Replica] names another.
func ReplicaID(name string) string { return stableID("replica", name) }

// PlanID returns the id that a failover plan has unless its [Plan] names another.
func PlanID(name string) string { return stableID("plan", name) }

// HardwarePlanID returns the id of a hardware plan.
func HardwarePlanID(name string) string { return stableID("hardware", name) }

// GatewayID returns the id of a gateway.
func GatewayID(name string) string { return stableID("gateway", name) }

// GatewayPoolID returns the id of a gateway pool.
func GatewayPoolID(name string) string { return stableID("pool", name) }

// InventoryTenant returns the name of a tenant of [Inventory], counted from 0.
func InventoryTenant(tenant int) string { return fmt.Sprintf("tenant-%04d", tenant) }

// InventoryVM returns the name of a VM of a tenant of [Inventory], both counted from 0. Its replica is called alike.
func InventoryVM(tenant, vm int) string { return fmt.Sprintf("t%04d-vm%04d", tenant, vm) }
