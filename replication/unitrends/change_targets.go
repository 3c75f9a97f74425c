package unitrends

import (
	"context"
	"errors"
	"slices"

	"github.com/drkit-go/drkit"
)

// newTarget is a target that was not listed before. Nobody documents how the list names a target, nor when one
// that was requested is in it.
func (p place) newTarget() *change[Target] {
	return &change[Target]{
		at: p, method: methodRequest, resource: "the replication targets", patient: true,
		see: func(ctx context.Context) (sight[Target], error) {
			listed, err := (&SystemTargets{p}).List(ctx)
			if err != nil {
				return sight[Target]{}, err
			}
			connected, err := (&Targets{SystemTargets{place{client: p.client}}}).Connected(ctx)
			if err != nil && !unknownPath(err) {
				return sight[Target]{}, err
			}
			return targets(listed, connected, err == nil), nil
		},
	}
}

// unknownPath reports whether an appliance is too old for a request. What such appliances answer is not documented.
func unknownPath(err error) bool {
	var answer *drkit.Error
	return errors.As(err, &answer) && slices.Contains([]int{400, 404, 405, 410, 501}, answer.Status)
}

// targets puts together what two lists say of the same targets. told is whether the second was to be had: older
// appliances do not tell which targets are connected.
func targets(listed, connected []Target, told bool) sight[Target] {
	var seen sight[Target]
	for _, target := range listed {
		one := trace[Target]{id: target.key(), ended: !told, thing: target}
		if i := slices.IndexFunc(connected, target.same); i >= 0 {
			one.ended, one.thing = true, connected[i]
		}
		seen.traces = append(seen.traces, one)
	}
	for _, target := range connected {
		if !slices.ContainsFunc(listed, target.same) {
			seen.traces = append(seen.traces, trace[Target]{id: target.key(), ended: true, thing: target})
		}
	}
	return seen
}

// same reports whether two lists mean the same target.
func (t Target) same(other Target) bool { return t.key() == other.key() }

// key tells targets apart: by their names where they have some, and else by all that is said of them.
func (t Target) key() string {
	if t.Name != "" {
		return "target " + t.Name
	}
	if t.TargetID != "" {
		return "target with id " + string(t.TargetID)
	}
	return "target " + fingerprint(t)
}
