package checkpoints

import (
	"context"
	"errors"

	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Orders are those of vaults that are paid ahead. Huawei Cloud only. What went wrong with an order itself is in its
// result, and not an error.
type Orders struct{ resource }

// Change orders another size of a vault.
//
// The request is sent at most once.
//
// Errors: [drkit.ErrNotFound]; [ErrInvalid]; [drkit.ErrOutcomeUnknown] if the answer was lost.
//
// Source: the code of a client.
func (o *Orders) Change(ctx context.Context, change OrderChange) (OrderChangeResult, error) {
	if err := filled("resource id", change.ResourceID); err != nil {
		return OrderChangeResult{}, wrong(&contract.OrdersChange, err)
	}
	return o.order(ctx, transport.Call{Operation: &contract.OrdersChange, Body: change})
}

// Update orders another size of a vault, by the order that it came with.
//
// The request is sent at most once.
//
// Errors: [drkit.ErrNotFound]; [ErrInvalid]; [drkit.ErrOutcomeUnknown] if the answer was lost.
//
// Source: the code of a client.
func (o *Orders) Update(ctx context.Context, orderID string, update OrderUpdate) (OrderChangeResult, error) {
	if err := filled("resource id", update.ResourceID); err != nil {
		return OrderChangeResult{}, wrong(&contract.OrdersUpdate, err)
	}
	return o.order(ctx, transport.Call{Operation: &contract.OrdersUpdate, Path: []string{orderID}, Body: update})
}

// order sends a call that answers the result of an order.
func (r resource) order(ctx context.Context, call transport.Call) (OrderChangeResult, error) {
	var result OrderChangeResult
	err := r.do(ctx, call, &result)
	return result, err
}

// Order orders a vault together with other products. Huawei Cloud only.
//
// The request is sent at most once.
//
// Errors: [drkit.ErrNotFound]; [ErrInvalid]; [drkit.ErrOutcomeUnknown] if the answer was lost.
//
// Source: the code of a client.
func (v *Vaults) Order(ctx context.Context, vault VaultOrder) (OrderResult, error) {
	if err := checkResources(vault.Resources); err != nil {
		return OrderResult{}, wrong(&contract.VaultsOrder, err)
	}
	if vault.Resources == nil {
		vault.Resources = []Resource{} // as in Create
	}
	var result OrderResult
	err := v.do(ctx, transport.Call{Operation: &contract.VaultsOrder, Body: struct {
		Vault VaultOrder `json:"vault"`
	}{vault}}, &result)
	return result, err
}

// ChangeChargeMode orders that vaults which are paid by use are paid ahead. Huawei Cloud only.
//
// The request is sent at most once.
//
// Errors: [drkit.ErrNotFound]; [ErrInvalid]; [drkit.ErrOutcomeUnknown] if the answer was lost.
//
// Source: the code of a client.
func (v *Vaults) ChangeChargeMode(ctx context.Context, change ChangeToPeriod) (OrderChangeResult, error) {
	err := someIDs("vault", change.VaultIDs)
	if err == nil && change.PeriodNum <= 0 {
		err = errors.New("the period number is not positive")
	}
	if err != nil {
		return OrderChangeResult{}, wrong(&contract.VaultsChangeChargeMode, err)
	}
	return v.order(ctx, transport.Call{Operation: &contract.VaultsChangeChargeMode, Body: change})
}
