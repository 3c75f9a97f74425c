package checkpoints

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// changingVault is a vault whose resources change.
type changingVault struct {
	client    *Client
	id        string
	method    string
	resources []string // each once
	source    string   // that migrated resources leave
	made      *Vault   // as a creation has answered it
	born      time.Time

	mu   sync.Mutex
	seen bool // resources on their way out
}

func (v *changingVault) name() string { return "vault " + transport.Plain(v.id) }

func (v *changingVault) subject(context.Context) (subject, error) {
	return subject{ID: v.id, Resources: v.resources, Vault: v.source}, nil
}

// lists counts those of the resources that a vault lists.
func (v *changingVault) lists(vault Vault) int {
	count := 0
	for _, resource := range vault.Resources {
		if slices.Contains(v.resources, resource.ID) {
			count++
		}
	}
	return count
}

func (v *changingVault) see(ctx context.Context) (drkit.Look[Vault], error) {
	if v.made != nil && v.lists(*v.made) == len(v.resources) {
		return settled(*v.made), nil
	}
	now, err := v.client.Vaults.Get(ctx, v.id)
	if err != nil {
		return drkit.Look[Vault]{}, err
	}
	there, all := v.lists(now), len(v.resources)
	switch {
	case v.method == methodRemoveResources:
		return v.emptied(ctx, now, there)
	case there < all:
		return drkit.Look[Vault]{Progress: progressOf(TaskStatusRunning, 100*there/all)}, nil
	case v.source != "":
		from, err := v.client.Vaults.Get(ctx, v.source)
		if err != nil {
			return drkit.Look[Vault]{}, err
		}
		if left := v.lists(from); left > 0 {
			return drkit.Look[Vault]{Progress: progressOf(TaskStatusRunning, 100*(all-left)/all)}, nil
		}
	}
	return settled(now), nil
}

func settled(vault Vault) drkit.Look[Vault] {
	return drkit.Look[Vault]{Progress: progressOf(TaskStatusSuccess, 100), Done: true, Result: vault}
}

// emptied says how far resources are that leave the vault. Those that stay although they were on their way, or ought to
// be, have a task that says why.
func (v *changingVault) emptied(ctx context.Context, now Vault, there int) (drkit.Look[Vault], error) {
	running := drkit.Look[Vault]{Progress: progressOf(TaskStatusRunning, 100-100*there/max(len(v.resources), 1))}
	switch {
	case there == 0:
		return settled(now), nil
	case !v.stay(now):
		return running, nil
	}
	last, err := v.client.lastTask(ctx, TaskQuery{VaultID: v.id, OperationType: TaskTypeRemoveResource}, v.removes)
	if err != nil || last.Err() == nil {
		return running, err
	}
	return drkit.Look[Vault]{Progress: progressOf(last.Status, 100), Done: true, Err: last.Err()}, nil
}

func (v *changingVault) stay(now Vault) bool {
	leaving := slices.ContainsFunc(now.Resources, func(r VaultResource) bool {
		return r.ProtectStatus == ProtectStatusRemoving && slices.Contains(v.resources, r.ID)
	})
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = v.seen || leaving
	return !leaving && (v.seen || time.Since(v.born) >= v.client.transport.Schedule().Grace)
}

// removes reports whether a task takes one of the resources from the vault.
func (v *changingVault) removes(task Task) bool {
	if on := task.ExtraInfo.Resource; on != nil && slices.Contains(v.resources, on.ID) {
		return true
	}
	about := task.ExtraInfo.RemoveResources
	return about != nil && slices.ContainsFunc(about.Resources, func(r TaskResource) bool { return slices.Contains(v.resources, r.ID) })
}

// change returns the order of a call that changes the resources of a vault, and may be sent again.
func (v *Vaults) change(call transport.Call, answer any, id string, resources []string) order[Vault] {
	return order[Vault]{call: call, answer: answer, follow: func(*transport.Note) pursuit[Vault] {
		return &changingVault{client: v.client, id: id, method: call.Operation.Name, resources: distinct(resources), born: time.Now()}
	}}
}

// distinct returns each id once, so that they can be counted.
func distinct(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }
