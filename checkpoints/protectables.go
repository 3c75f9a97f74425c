package checkpoints

import (
	"context"

	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Protectables are what a vault could protect. The reference of Open Telekom Cloud only names them.
type Protectables struct{ resource }

// List returns one page of the resources of a kind, at most 50. The service does not say how many there are, and
// counts pages in ways that differ by kind: to find a resource, name its ID or Name in query. It is safe to
// repeat.
//
// Errors: [ErrInvalid] if the kind is not known.
// Roles: cbr:vaults:listProtectables.
//
// Source: Huawei Cloud CBR API reference.
func (p *Protectables) List(ctx context.Context, kind ProtectableType, query ProtectableQuery) ([]Protectable, error) {
	var answer struct{ Instances []Protectable }
	err := p.do(ctx, transport.Call{Operation: &contract.ProtectablesList, Path: []string{string(kind)}, Query: query}, &answer)
	return answer.Instances, err
}

// Get returns a server or a disk, and whether a vault can protect it. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: cbr:vaults:getProtectables.
//
// Source: Huawei Cloud CBR API reference.
func (p *Protectables) Get(ctx context.Context, kind ProtectableType, id string) (Protectable, error) {
	var answer struct{ Instance Protectable }
	err := p.do(ctx, transport.Call{
		Operation: &contract.ProtectablesGet, Path: []string{string(kind), id}, Check: holds("resource", &answer.Instance.ID),
	}, &answer)
	return answer.Instance, err
}
