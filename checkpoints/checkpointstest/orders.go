package checkpointstest

import (
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

// orderBody is the answer to an order of a vault.
func orderBody(v *vault) map[string]any {
	return map[string]any{
		"orders":  []map[string]any{{"orderId": v.orderID, "cloudServiceId": v.orderID, "subscribeResult": 1, "resourceId": v.id}},
		"retCode": 0, "errText": "", "error_code": "",
	}
}

// orderVault makes a vault that is paid ahead.
func (r *region) orderVault(v *visit) (any, error) {
	said, err := read[vaultRequest](v)
	if err != nil {
		return nil, err
	}
	made, err := r.newVault(v, said)
	if err != nil {
		return nil, err
	}
	made.orderID = freshOrder()
	r.vaults.put(made.id, made)
	r.deeds.vaultMade(made)
	return orderBody(made), nil
}

func freshOrder() string { return "CS" + strings.ToUpper(plainID(simkit.FreshID()))[:16] }

// changeChargeMode lets vaults be paid ahead from now on.
func (r *region) changeChargeMode(v *visit) (any, error) {
	said, err := read[struct {
		VaultIDs []string `json:"vault_ids"`
	}](v)
	if err != nil {
		return nil, err
	}
	order := freshOrder()
	for _, id := range said.VaultIDs {
		found, err := v.vaultNamed(id)
		if err != nil {
			return nil, err
		}
		found.chargingMode, found.orderID = "pre_paid", order
	}
	return map[string]any{"orderId": order, "retCode": 0, "retMsg": ""}, nil
}

// changeOrder changes the size of a vault that is paid ahead.
func (r *region) changeOrder(v *visit) (any, error) {
	said, err := read[struct {
		ResourceID  string `json:"resource_id"`
		ProductInfo struct {
			Size int `json:"resource_size"`
		} `json:"product_info"`
	}](v)
	if err != nil {
		return nil, err
	}
	return r.resize(v, said.ResourceID, said.ProductInfo.Size, 0)
}

// updateOrder does the same; its return code is text.
func (r *region) updateOrder(v *visit) (any, error) {
	said, err := read[struct {
		ResourceID  string `json:"resourceId"`
		ProductInfo struct {
			Size int `json:"resourceSize"`
		} `json:"productInfo"`
	}](v)
	if err != nil {
		return nil, err
	}
	return r.resize(v, said.ResourceID, said.ProductInfo.Size, "0")
}

func (r *region) resize(v *visit, id string, size int, code any) (any, error) {
	found, err := v.vaultNamed(id)
	if err != nil {
		return nil, err
	}
	if size < smallestGB || size > biggestGB || size*1024 < r.usedMB(found) {
		return nil, refuse(CodeInvalidCapacity, "The size %d is invalid.", size)
	}
	found.sizeGB, found.orderID = size, freshOrder()
	return map[string]any{"orderId": found.orderID, "retCode": code, "retMsg": ""}, nil
}
