package vsphere

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// onReplication finds what became of work on a replication.
func (p place) onReplication(call transport.Call, trace trace) *work {
	id, operation := call.Path[0], call.Operation.Name
	return &work{operation: operation, about: id, trace: trace, Work: transport.Work{
		Resource: of("replication", id),
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			subject, err := p.subject(ctx, id)
			if err != nil {
				return nil, err
			}
			return p.jobs(ctx, operation, subject)
		},
		State: trace.state, Settle: trace.settle, Believe: true,
	}}
}

// What a state holds of a replication. A member of the value unknown is one that the answer has left open.
const (
	memberExists   = "exists"
	memberPaused   = "paused"
	memberStatus   = "status"
	memberSynced   = "synced"
	memberAsked    = "asked"
	memberSettings = "settings"
	memberImage    = "image"
	memberBubble   = "bubble"
	memberPromoted = "promoted"
	memberPartial  = "partial"
	notKnown       = "unknown"
)

// replication returns a replication, if it is there.
func (p place) replication(ctx context.Context, id string) (replication ReplicationInfo, there bool, err error) {
	replication, err = (&Replications{p}).Get(ctx, id)
	if errors.Is(err, drkit.ErrNotFound) {
		return ReplicationInfo{}, false, nil
	}
	return replication, err == nil, err
}

// pausing sees whether a replication is there, whether it is paused, and what it does.
func (p place) pausing(call transport.Call) func(context.Context) (transport.State, error) {
	return func(ctx context.Context) (transport.State, error) {
		replication, there, err := p.replication(ctx, call.Path[0])
		if err != nil || !there {
			return transport.State{memberExists: "false", memberPaused: notKnown}, err
		}
		return stateOf(replication), nil
	}
}

func stateOf(r ReplicationInfo) transport.State {
	state := transport.State{memberExists: "true", memberPaused: "false", memberStatus: string(r.Status.Status), memberSynced: r.LastSyncTime.String()}
	switch r.Status.Status {
	case ReplicationStatePaused:
		state[memberPaused] = "true"
	case "", ReplicationStateUnknown:
		state[memberPaused] = notKnown
	default: // at work, or in trouble
	}
	return state
}

// settings sees whether a replication has the settings that are asked for.
func (p place) settings(call transport.Call) func(context.Context) (transport.State, error) {
	request, _ := call.Body.(ReconfigureReplication)
	return func(ctx context.Context) (transport.State, error) {
		replication, there, err := p.replication(ctx, call.Path[0])
		if err != nil || !there {
			return transport.State{memberExists: "false"}, err
		}
		state := stateOf(replication)
		state[memberAsked] = fmt.Sprint(hasSettings(replication, request))
		state[memberSettings] = settingsOf(replication)
		if len(replication.Meta.Errors) > 0 { // what is left out looks like false and 0
			state[memberPartial] = "true"
		}
		return state, nil
	}
}

// settingsOf writes down what a reconfiguration changes, as far as the replication shows it: not its disks.
func settingsOf(r ReplicationInfo) string {
	return fmt.Sprint(r.RPO, r.QuiescingEnabled, r.NetworkCompressionEnabled, r.EncryptionEnabled, r.AutoReplicateNewDisksEnabled,
		r.MPITEnabled, r.MPITInstances, r.MPITDays, r.VMDataSetsReplicationEnabled)
}

// hasSettings reports whether a replication has the settings that a request asks for.
func hasSettings(r ReplicationInfo, request ReconfigureReplication) bool {
	return r.RPO == request.RPO && r.NetworkCompressionEnabled == request.NetworkCompressionEnabled &&
		r.MPITEnabled == request.MPITEnabled && r.AutoReplicateNewDisksEnabled == request.AutoReplicateNewDisks &&
		has(request.QuiesceEnabled, r.QuiescingEnabled) && has(request.MPITInstances, r.MPITInstances) &&
		has(request.MPITDays, r.MPITDays) && has(request.VMDataSetsReplicationEnabled, r.VMDataSetsReplicationEnabled)
}

// has reports whether a setting is as asked for, or was not asked for.
func has[T comparable](asked drkit.Opt[T], is T) bool {
	value, set := asked.Get()
	return !set || value == is
}

// imaging sees the active image of a replication.
func (p place) imaging(call transport.Call) func(context.Context) (transport.State, error) {
	return func(ctx context.Context) (transport.State, error) {
		active, there, err := (&Replications{p}).image(ctx, call.Path[0])
		if err != nil || !there {
			return transport.State{memberImage: ""}, err
		}
		name := active.ID
		if name == "" {
			name = notKnown
		}
		return transport.State{memberImage: name, memberBubble: fmt.Sprint(active.TestBubbleImage)}, nil
	}
}

// promoting sees the active image, and the instances that were promoted.
func (p place) promoting(call transport.Call) func(context.Context) (transport.State, error) {
	return func(ctx context.Context) (transport.State, error) {
		state, err := p.imaging(call)(ctx)
		if err != nil {
			return nil, err
		}
		var ids []string
		for instance, err := range (&Replications{p}).Instances(ctx, call.Path[0], ListQuery{Limit: tasksPerPage}) {
			if err != nil {
				return nil, err
			}
			if instance.Promoted {
				ids = append(ids, instance.ID)
			}
			if len(instance.Meta.Errors) > 0 { // what is left out looks like false
				state[memberPartial] = "true"
			}
		}
		slices.Sort(ids)
		state[memberPromoted] = strings.Join(ids, " ")
		return state, nil
	}
}

// verdict is Ran where it did, Untouched where all of the members are as they were, and known, and else Unclear.
func verdict(ran bool, before, after transport.State, members ...string) transport.Verdict {
	if ran {
		return transport.Ran
	}
	for _, member := range members {
		if before[member] != after[member] || before[member] == notKnown {
			return transport.Unclear
		}
	}
	return transport.Untouched
}

func settlePause(before, after transport.State) transport.Verdict {
	return verdict(transport.Turns(memberPaused, "false", "true")(before, after), before, after, memberExists, memberPaused)
}

func settleResume(before, after transport.State) transport.Verdict {
	return verdict(transport.Turns(memberPaused, "true", "false")(before, after), before, after, memberExists, memberPaused)
}

// settleSync proves no synchronization: the service makes them by itself, too.
func settleSync(before, after transport.State) transport.Verdict {
	return verdict(false, before, after, memberExists, memberPaused, memberStatus, memberSynced)
}

// settleSettings proves nothing where the replication had before what it is asked for: then the request is about its
// disks, which do not show.
func settleSettings(before, after transport.State) transport.Verdict {
	if before[memberAsked] == "true" || before[memberPartial] != "" || after[memberPartial] != "" {
		return transport.Unclear
	}
	return verdict(after[memberAsked] == "true", before, after, memberExists, memberSettings)
}

// ofWhole lets half a list prove nothing: what it does not hold may be there.
func ofWhole(settle func(before, after transport.State) transport.Verdict) func(before, after transport.State) transport.Verdict {
	return func(before, after transport.State) transport.Verdict {
		if before[memberPartial] != "" || after[memberPartial] != "" {
			return transport.Unclear
		}
		return settle(before, after)
	}
}

func settleRemoval(before, after transport.State) transport.Verdict {
	return verdict(transport.Turns(memberExists, "true", "false")(before, after), before, after, memberExists, memberStatus)
}

func settleTest(before, after transport.State) transport.Verdict {
	return verdict(before[memberImage] == "" && after[memberImage] != "" && after[memberBubble] == "true", before, after, memberImage)
}

func settleCleanUp(before, after transport.State) transport.Verdict {
	return verdict(before[memberImage] != "" && after[memberImage] == "", before, after, memberImage)
}

func settlePromotion(before, after transport.State) transport.Verdict {
	added := addedTo(before[memberPromoted], after[memberPromoted])
	return verdict(len(added) == 1, before, after, memberImage, memberPromoted)
}

func settleDemotion(before, after transport.State) transport.Verdict {
	gone := addedTo(after[memberPromoted], before[memberPromoted])
	return verdict(len(gone) > 0 && after[memberPromoted] == "", before, after, memberPromoted)
}

// addedTo returns the words of after that before does not have.
func addedTo(before, after string) []string {
	old := strings.Fields(before)
	return slices.DeleteFunc(strings.Fields(after), func(word string) bool { return slices.Contains(old, word) })
}
