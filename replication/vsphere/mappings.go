package vsphere

import (
	"context"
	"fmt"
	"iter"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// Mappings are the ends of enhanced replications, and the connections between them: each method takes the
// identifier of a management server first. Appliances of the published version 2.0.0 do not have them, and answer
// [drkit.ErrNotFound].
type Mappings struct{ at place }

// List walks the mappings. It is safe to repeat.
//
// Experimental: nobody has seen how it is asked for. Its path is that of [Mappings.Create], its query is inferred.
//
// Source: vSphere Replication REST API reference, "List replication mappings".
func (m *Mappings) List(ctx context.Context, managementServer string, query ListQuery) iter.Seq2[ReplicationMapping, error] {
	return walk(ctx, list[ReplicationMapping]{
		at: m.at, call: transport.Call{Operation: &contract.MappingsList, Path: []string{managementServer}}, query: query,
		id: func(row *ReplicationMapping) string { return row.SourceObjectID + "\n" + row.TargetObjectID },
	})
}

// Create creates mappings. The request is sent at most once.
//
// Source: vSphere Replication REST API reference, "Create replication mappings".
func (m *Mappings) Create(ctx context.Context, managementServer string, pairs []ReplicationMappingPair) (*drkit.Poller[Task], error) {
	if len(pairs) == 0 {
		return nil, fmt.Errorf("%s.%s: there are no mappings", service, contract.MappingsCreate.Name)
	}
	return m.at.begin(ctx, transport.Call{Operation: &contract.MappingsCreate, Path: []string{managementServer}, Body: pairs})
}

// Calculate returns which ends replications between datastores would have, all at once. Nothing is created. It is
// safe to repeat.
//
// Source: vSphere Replication REST API reference, "Calculate mappings".
func (m *Mappings) Calculate(ctx context.Context, managementServer string, between CalculateReplicationMappings) ([]CalculatedReplicationMapping, error) {
	return whole[CalculatedReplicationMapping](ctx, m.at, transport.Call{
		Operation: &contract.MappingsCalculate, Path: []string{managementServer}, Body: between,
	})
}

// RunTests measures the connections of mappings. A test of throughput loads network and processors. The request is
// sent at most once.
//
// Source: vSphere Replication REST API reference, "Run mapping tests".
func (m *Mappings) RunTests(ctx context.Context, managementServer string, what RunReplicationMappingTests) (*drkit.Poller[Task], error) {
	return m.at.begin(ctx, transport.Call{Operation: &contract.MappingsRunTests, Path: []string{managementServer}, Body: what})
}
