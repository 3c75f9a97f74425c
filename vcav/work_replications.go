package vcav

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// onReplication finds what became of work on a replication. Tasks of the kinds likewise may have done the same
// to it.
func (p place) onReplication(call transport.Call, kind string, proof proof, likewise ...string) *work {
	id := call.Path[0]
	return &work{
		Work: transport.Work{
			Resource: p.at("replication " + plain(id)),
			Jobs: func(ctx context.Context) ([]transport.Job, error) {
				return p.jobs(ctx, TaskQuery{ResourceID: id}, func(task Task) (transport.Job, bool) {
					if task.WorkflowInfo.ResourceID != id {
						return transport.Job{}, false
					}
					for _, other := range likewise {
						if task.is(other, kindVMReplication) {
							return transport.Job{Other: true, Veto: "a task of type " + other}, true
						}
					}
					return transport.Job{}, task.is(kind, kindVMReplication)
				})
			},
			State: func(ctx context.Context) (transport.State, error) {
				replication, err := (&SiteVMReplications{p}).Get(ctx, id)
				if errors.Is(err, drkit.ErrNotFound) {
					return transport.State{"exists": "false"}, nil
				}
				return stateOf(replication, call.Body), err
			},
			Settle: proof.settle,
		},
		result: func(ctx context.Context, _ transport.Found) (any, error) {
			return (&SiteVMReplications{p}).Get(ctx, id)
		},
	}
}

// stateOf returns what operations change of a replication. Asked is whether it is as request, a reconfiguration,
// asks for.
func stateOf(r VMReplication, request any) transport.State {
	state := transport.State{
		started:    fmt.Sprint(r.LastUpdated.UnixMilli()),
		"exists":   "true",
		"paused":   fmt.Sprint(r.IsPaused),
		"recovery": string(RecoveryStateNotStarted),
		"reversed": fmt.Sprint(r.IsReversed),
		"asked":    fmt.Sprint(hasSettings(r, request)),
		"settings": settingsOf(r),
	}
	if info := r.DestinationState.RecoveryInfo; info != nil && info.RecoveryState != "" {
		state["recovery"] = string(info.RecoveryState)
	}
	if latest := r.DestinationState.LatestInstance; latest != nil {
		state["instance"] = latest.Key
	}
	return state
}

// settingsOf writes down all that a reconfiguration changes.
func settingsOf(r VMReplication) string {
	var rules []RetentionRule
	if policy := r.Settings.RetentionPolicy; policy != nil {
		rules = policy.Rules
	}
	s := r.Settings
	return fmt.Sprintf("%q %d %s %t %v %v %q %v %q", s.Description, s.RPO, s.DataConnectionType, s.Quiesced, rules,
		s.ExcludedDiskKeys, profileOf(r), r.StartupInfo, r.Source.VAppName)
}

func profileOf(r VMReplication) string {
	if r.SLAProfile == nil {
		return ""
	}
	return r.SLAProfile.ID
}

// hasSettings reports whether a replication has the settings that a request asks for. What cannot be seen of
// them counts as asked for, and not there.
func hasSettings(r VMReplication, request any) bool {
	switch asked := request.(type) {
	case []int:
		mine, others := slices.Sorted(slices.Values(asked)), slices.Sorted(slices.Values(r.Settings.ExcludedDiskKeys))
		return slices.Equal(mine, others)
	case Reconfigure:
		return asked.SourceReconfigure == nil && has(asked.Description, r.Settings.Description) &&
			has(asked.RPO, r.Settings.RPO) && has(asked.DataConnectionType, r.Settings.DataConnectionType) &&
			has(asked.Quiesced, r.Settings.Quiesced) && has(asked.SLAProfileID, profileOf(r)) &&
			hasRules(asked.RetentionPolicy, r.Settings.RetentionPolicy)
	default:
		return false
	}
}

// has reports whether a setting is as asked for, or was not asked for.
func has[T comparable](asked drkit.Opt[T], is T) bool {
	value, set := asked.Get()
	return asked.IsZero() || set && value == is
}

func hasRules(asked drkit.Opt[RetentionPolicy], is *RetentionPolicy) bool {
	value, set := asked.Get()
	switch {
	case asked.IsZero():
		return true
	case !set || is == nil:
		return !set && is == nil
	default:
		return slices.Equal(value.Rules, is.Rules)
	}
}

// ofStart finds a replication that was started, by its machine.
func (p place) ofStart(call transport.Call) *work {
	request, ok := call.Body.(ReplicationStart)
	if !ok {
		return nil
	}
	site, vm := machineOf(request.Source)
	isIt := func(r VMReplication) bool { return r.Source.Site == site && strings.EqualFold(bareID(r.VMID), vm) }
	return &work{
		Work: transport.Work{
			Resource: p.at(fmt.Sprintf("the replication of machine %s from %s", plain(vm), plain(site))),
			Jobs: func(ctx context.Context) ([]transport.Job, error) {
				return p.jobs(ctx, TaskQuery{Type: "start"}, func(task Task) (transport.Job, bool) {
					if !task.is("start", kindVMReplication) {
						return transport.Job{}, false
					}
					started, err := ResultOf[VMReplication](task)
					return transport.Job{Unsure: err != nil}, err != nil || isIt(started)
				})
			},
			State: func(ctx context.Context) (transport.State, error) {
				there := transport.State{}
				for r, err := range (&SiteVMReplications{p}).List(ctx, VMReplicationQuery{VMID: vm}) {
					if err != nil {
						return nil, err
					}
					if isIt(r) {
						there[r.ID] = "there"
					}
				}
				return there, nil
			},
			Settle: transport.Appears(1),
		},
		result: func(ctx context.Context, found transport.Found) (any, error) {
			return (&SiteVMReplications{p}).Get(ctx, strings.Join(transport.NewKeys(found.Before, found.After), ","))
		},
	}
}

// machineOf returns the site and the bare id of the machine that is to be replicated.
func machineOf(source ReplicationSource) (site, vm string) {
	switch source := source.(type) {
	case VMSource:
		return source.Site, bareID(source.VMID)
	case *VMSource:
		return source.Site, bareID(source.VMID)
	case VCVMSource:
		return source.Site, bareID(source.VMID)
	case *VCVMSource:
		return source.Site, bareID(source.VMID)
	default:
		return "", ""
	}
}
