package vsphere

import (
	"context"
	"iter"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// ReplicationServers are the servers of this site that receive the data of replications.
type ReplicationServers struct{ at place }

// List walks the replication servers of this site's management server. It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if servers keep coming or going while the list is read.
// Privileges: Replication.View.
// Source: vSphere Replication REST API reference, "Local replication servers".
func (s *ReplicationServers) List(ctx context.Context, query ListQuery) iter.Seq2[ReplicationServerInfo, error] {
	return walk(ctx, list[ReplicationServerInfo]{
		at: s.at, call: transport.Call{Operation: &contract.ReplicationServersList}, query: query, id: serverID,
	})
}

func serverID(row *ReplicationServerInfo) string { return row.ID + row.UUID }

// Register registers a replication server with this site's management server. What value it is known by is not
// documented: its address, or its identifier. The request is sent at most once.
//
// Privileges: Hbr.Manage.
// Source: vSphere Replication REST API reference, "Register (local)".
func (s *ReplicationServers) Register(ctx context.Context, server string) (*drkit.Poller[Task], error) {
	return s.at.begin(ctx, transport.Call{Operation: &contract.ReplicationServersRegister, Body: value(server)})
}

// Get returns one replication server. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such server.
// Privileges: Replication.View.
// Source: vSphere Replication REST API reference, "Get (local)".
func (s *ReplicationServers) Get(ctx context.Context, id string) (ReplicationServerInfo, error) {
	var server ReplicationServerInfo
	err := s.at.do(ctx, transport.Call{Operation: &contract.ReplicationServersGet, Path: []string{id}}, &server)
	return server, err
}

// Unregister takes a replication server away from this site's management server. The request is sent at most once.
//
// Privileges: Hbr.View, Hbr.Manage.
// Source: vSphere Replication REST API reference, "Unregister (local)".
func (s *ReplicationServers) Unregister(ctx context.Context, id string) (*drkit.Poller[Task], error) {
	return s.at.begin(ctx, transport.Call{Operation: &contract.ReplicationServersUnregister, Path: []string{id}})
}

// Reconnect makes the management server connect to a replication server anew. The request is sent at most once.
//
// Privileges: Hbr.Manage.
// Source: vSphere Replication REST API reference, "Reconnect (local)".
func (s *ReplicationServers) Reconnect(ctx context.Context, id string) (*drkit.Poller[Task], error) {
	return s.at.begin(ctx, transport.Call{Operation: &contract.ReplicationServersReconnect, Path: []string{id}})
}

// ManagementServers are the management servers of the two sites of a pairing.
type ManagementServers struct{ at place }

// List returns the management servers of both sites, all at once. It is safe to repeat.
//
// Without a session at the other site, or while that is down, it is partial.
//
// Privileges: Hms.View.
// Source: vSphere Replication REST API reference, "Management servers in pairing".
func (s *ManagementServers) List(ctx context.Context) ([]VRMSInfo, error) {
	return whole[VRMSInfo](ctx, s.at, transport.Call{Operation: &contract.ManagementServersList})
}

// Get returns the management server with an identifier, of either site. It is safe to repeat.
//
// Without a session at the other site, or while that is down, it is partial.
//
// Errors: [drkit.ErrNotFound] if there is no such server.
// Privileges: Hms.View.
// Source: vSphere Replication REST API reference, "One management server".
func (s *ManagementServers) Get(ctx context.Context, id string) (VRMSInfo, error) {
	var server VRMSInfo
	err := s.at.do(ctx, transport.Call{Operation: &contract.ManagementServersGet, Path: []string{id}}, &server)
	return server, err
}

// SiteReplicationServers are the replication servers of either site of a pairing: each method takes the identifier
// of the site's management server first. Those of the other site take a session there.
type SiteReplicationServers struct{ at place }

// List walks the replication servers of one site. It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if servers keep coming or going while the list is read.
// Privileges: Hbr.View, Hms.View.
// Source: vSphere Replication REST API reference, "Replication servers (site)".
func (s *SiteReplicationServers) List(ctx context.Context, managementServer string, query ListQuery) iter.Seq2[ReplicationServerInfo, error] {
	call := transport.Call{Operation: &contract.SiteReplicationServersList, Path: []string{managementServer}}
	return walk(ctx, list[ReplicationServerInfo]{at: s.at, call: call, query: query, id: serverID})
}

// Register registers a replication server with the management server of one site, as [ReplicationServers.Register]
// does at this one. The request is sent at most once.
//
// Privileges: Hbr.Manage.
// Source: vSphere Replication REST API reference, "Register replication server".
func (s *SiteReplicationServers) Register(ctx context.Context, managementServer, server string) (*drkit.Poller[Task], error) {
	return s.at.begin(ctx, transport.Call{
		Operation: &contract.SiteReplicationServersRegister, Path: []string{managementServer}, Body: value(server),
	})
}

// Get returns one replication server of one site. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such server.
// Privileges: Hbr.View, Hms.View.
// Source: vSphere Replication REST API reference, "Get replication server".
func (s *SiteReplicationServers) Get(ctx context.Context, managementServer, id string) (ReplicationServerInfo, error) {
	var server ReplicationServerInfo
	call := transport.Call{Operation: &contract.SiteReplicationServersGet, Path: []string{managementServer, id}}
	err := s.at.do(ctx, call, &server)
	return server, err
}

// Unregister takes a replication server away from the management server of one site. The request is sent at most
// once.
//
// Privileges: Hbr.View, Hbr.Manage.
// Source: vSphere Replication REST API reference, "Unregister replication server".
func (s *SiteReplicationServers) Unregister(ctx context.Context, managementServer, id string) (*drkit.Poller[Task], error) {
	return s.at.begin(ctx, transport.Call{
		Operation: &contract.SiteReplicationServersUnregister, Path: []string{managementServer, id},
	})
}

// Reconnect makes the management server of one site connect to a replication server anew. The request is sent at
// most once.
//
// Privileges: Hbr.Manage.
// Source: vSphere Replication REST API reference, "Reconnect replication server".
func (s *SiteReplicationServers) Reconnect(ctx context.Context, managementServer, id string) (*drkit.Poller[Task], error) {
	return s.at.begin(ctx, transport.Call{
		Operation: &contract.SiteReplicationServersReconnect, Path: []string{managementServer, id},
	})
}

// argument is the body of requests whose only argument is a text.
type argument struct {
	Value string `json:"value"`
}

func value(text string) argument { return argument{text} }
