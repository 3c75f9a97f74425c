package unitrends

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// InstantRecoveries are machines that run from a backup, without having been copied first.
type InstantRecoveries struct{ at place }

// VirtualClients are the machines that run from a backup, by hypervisor.
type VirtualClients struct {
	VMware []VirtualClient // to be ended as RecoveryKindVMware
	HyperV []VirtualClient // to be ended as RecoveryKindHyperV
}

// All returns the machines of all hypervisors.
func (v VirtualClients) All() []VirtualClient {
	return append(append([]VirtualClient(nil), v.VMware...), v.HyperV...)
}

// Start runs a machine from a backup, for audit or live. Its name must be new: a client finds the machine again by
// it. The poller waits until the machine is listed, which is its result; its Status says how it fares.
//
// The request is sent at most once, as that of [Sources.Accept].
//
// Errors: [drkit.ErrConflict] if a machine of that name runs from a backup; [drkit.ErrOutcomeUnknown] if what
// became of it cannot be told.
//
// Source: the code of clients.
func (i *InstantRecoveries) Start(ctx context.Context, request InstantRecovery) (*drkit.Poller[VirtualClient], error) {
	if err := checkID("the backup", request.BackupID); err != nil {
		return nil, fmt.Errorf("unitrends.InstantRecoveries.Start: %w", err)
	}
	switch {
	case strings.TrimSpace(request.Target.Host) == "":
		return nil, errors.New("unitrends.InstantRecoveries.Start: the host is empty")
	case strings.TrimSpace(request.Target.Name) == "":
		return nil, errors.New("unitrends.InstantRecoveries.Start: the name of the machine is empty")
	}
	call := transport.Call{Operation: &contract.InstantRecoveriesStart, Body: request}
	return begin(ctx, i.at.newRecovery(request.Target.Name), call)
}

// List returns the machines that run from a backup. It is safe to repeat.
//
// Source: the code of clients.
func (i *InstantRecoveries) List(ctx context.Context) (VirtualClients, error) {
	var answer struct {
		Data *struct {
			VMware virtualClients `json:"vm_ir"`
			HyperV virtualClients `json:"hv_ir"`
		}
	}
	call := transport.Call{Operation: &contract.InstantRecoveriesList, Check: func() error {
		if answer.Data == nil {
			return errors.New("an answer without data")
		}
		return nil
	}}
	if err := i.at.do(ctx, call, &answer); err != nil {
		return VirtualClients{}, err
	}
	return VirtualClients{VMware: answer.Data.VMware.all, HyperV: answer.Data.HyperV.all}, nil
}

// End removes a machine that runs from a backup, and what it has written. The poller waits until it is no longer
// listed, and its result is the machine as it was seen last. The request is sent at most once, as that of
// [Sources.Accept]. Systems count their machines each for itself: where several have one of that id, [Client.System]
// names one. Of Windows instant recoveries there is no list: what became of one that was lost cannot be told.
//
// Errors: [drkit.ErrOutcomeUnknown] if what became of it cannot be told; an id that several systems have, for which
// nothing is sent.
//
// Source: the code of clients.
func (i *InstantRecoveries) End(ctx context.Context, id ID, kind RecoveryKind) (*drkit.Poller[VirtualClient], error) {
	if kind == "" {
		return nil, errors.New("unitrends.InstantRecoveries.End: the kind is empty")
	}
	call := transport.Call{Operation: &contract.InstantRecoveriesEnd, Path: []string{string(id)}, Body: struct {
		Kind RecoveryKind `json:"type"`
	}{kind}}
	return begin(ctx, i.at.recoveryEnd(id, kind), call)
}
