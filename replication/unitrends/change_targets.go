package unitrends

import (
	"context"
	"errors"
	"slices"

	"github.com/drkit-go/drkit"
)

// newTarget is a target that was not listed before. Nobody documents how the list names a target, nor when one
// that was requested is in it. Which targets are connected the appliance tells of itself alone.
func (p place) newTarget() *change[Target] {
	return &change[Target]{
		at: p, method: methodRequest, resource: "the replication targets",
		see: func(ctx context.Context) (sight[Target], error) {
			listed, err := (&SystemTargets{p}).List(ctx)
			if err != nil {
				return sight[Target]{}, err
			}
			if p.named {
				return targets(listed, nil, false), nil
			}
			connected, err := (&Targets{SystemTargets{p}}).Connected(ctx)
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
// appliances do not tell which targets are connected. A target that was listed before may be asked again, so what
// is connected since counts as well. Of another request its entry in the list need not tell anything; but where it
// changes, nobody can say that there was none.
func targets(listed, connected []Target, told bool) sight[Target] {
	seen := sight[Target]{open: true}
	for _, target := range listed {
		if !slices.ContainsFunc(connected, target.same) {
			seen.traces = append(seen.traces, trace[Target]{id: target.key(), ended: !told, thing: target})
			seen.marks = append(seen.marks, target.key()+" as "+fingerprint(target))
		}
	}
	for _, target := range connected {
		seen.traces = append(seen.traces, trace[Target]{id: target.key(), ended: true, thing: target})
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
