package checkpoints

import (
	"context"
	"errors"
	"iter"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Vaults are the places for backups, each for one kind of resource.
type Vaults struct{ resource }

// vaultAnswer is what operations answer that change a vault, or show one.
type vaultAnswer struct {
	Vault Vault
	OrderResult
}

// Create creates a vault that is paid by use. Resources may be left out. [Vaults.CreatePrepaid] is for one that is
// paid ahead. It returns once the vault is there; the poller waits until it lists all resources that were asked for,
// and its result is the vault as it is then.
//
// The request is sent at most once. A lost answer is looked for by the name: a vault of that name which was not
// there before, is of the kind and size that were asked for, and that no other user is known to have created, is
// adopted.
//
// Errors: [ErrQuota] if there are as many vaults as there may be; [drkit.ErrConflict] if a resource belongs to a
// vault already; [ErrInvalid]; [drkit.ErrOutcomeUnknown] if the answer was lost and the vault is not to be seen.
// Roles: cbr:vaults:create.
//
// Source: CBR API reference, "Creating a Vault".
func (v *Vaults) Create(ctx context.Context, vault VaultCreate) (*drkit.Poller[Vault], error) {
	if vault.Billing.ChargingMode.Or(ChargingModePostPaid) == ChargingModePrePaid {
		return nil, wrong(&contract.VaultsCreate, errors.New("CreatePrepaid is for what is paid ahead"))
	}
	var answer vaultAnswer
	call, err := v.creation(vault)
	if err != nil {
		return nil, err
	}
	call.Check = holds("vault", &answer.Vault.ID)
	resources := make([]string, len(vault.Resources))
	for i, resource := range vault.Resources {
		resources[i] = resource.ID
	}
	resources = distinct(resources)
	return begin(ctx, v.client, order[Vault]{
		call: call, answer: &answer,
		follow: func(*transport.Note) pursuit[Vault] {
			return &changingVault{
				client: v.client, id: answer.Vault.ID, method: methodCreateVault, resources: resources, made: &answer.Vault,
			}
		},
		work: vault.workOf(v.client),
		found: func(found transport.Found) pursuit[Vault] {
			return &changingVault{client: v.client, id: found.Job, method: methodCreateVault, resources: resources}
		},
	})
}

// CreatePrepaid orders a vault that is paid ahead. The poller has ended, and its result are the orders; what went wrong
// with one of them is there, and no error. Where the answer was lost, its first look gets what the vault says of its
// order. Huawei Cloud only.
//
// The request is sent at most once. A lost answer is looked for as that of [Vaults.Create]. An order that nobody has paid
// yet makes no vault: it is not found, and nothing says that there is none. The console shows it.
//
// Errors: as those of [Vaults.Create].
// Roles: cbr:vaults:create.
//
// Source: Huawei Cloud CBR API reference.
func (v *Vaults) CreatePrepaid(ctx context.Context, vault VaultCreate) (*drkit.Poller[OrderResult], error) {
	billing := vault.Billing
	var err error
	switch {
	case billing.ChargingMode.Or("") != ChargingModePrePaid:
		err = errors.New("the charging mode is not " + string(ChargingModePrePaid))
	case billing.PeriodType.Or("") == "" || billing.PeriodNum.Or(0) <= 0:
		err = errors.New("what is paid ahead needs a period type and a period number")
	}
	if err != nil {
		return nil, wrong(&contract.VaultsCreate, err)
	}
	call, err := v.creation(vault)
	if err != nil {
		return nil, err
	}
	var answer vaultAnswer
	return begin(ctx, v.client, order[OrderResult]{
		call: call, answer: &answer,
		follow: func(*transport.Note) pursuit[OrderResult] {
			return v.ordered(vault.Name, &answer.OrderResult)
		},
		work:  vault.workOf(v.client),
		found: func(found transport.Found) pursuit[OrderResult] { return v.ordered(found.Job, nil) },
	})
}

// ordered is a vault that was ordered, by its id or, where the answer names orders alone, by its name.
func (v *Vaults) ordered(vault string, made *OrderResult) pursuit[OrderResult] {
	return &present[OrderResult]{
		noun: "the order of vault " + transport.Plain(vault), about: subject{Vault: vault, Ordered: true, Order: made}, made: made,
		get: func(ctx context.Context) (OrderResult, error) {
			there, err := v.Get(ctx, vault)
			return OrderResult{Orders: []Order{{OrderID: there.Billing.OrderID, ResourceID: there.ID}}}, err
		},
	}
}

// creation is the call that creates a vault.
func (v *Vaults) creation(vault VaultCreate) (transport.Call, error) {
	if err := vault.check(); err != nil {
		return transport.Call{}, wrong(&contract.VaultsCreate, err)
	}
	if vault.Resources == nil {
		vault.Resources = []Resource{} // the service refuses null
	}
	return transport.Call{Operation: &contract.VaultsCreate, Body: struct {
		Vault VaultCreate `json:"vault"`
	}{vault}}, nil
}

// List walks the vaults that match query. query.Limit is the rows a page, at most 1000, which is the default; the
// walk goes on to the last page. IDs and ResourceIDs that are empty, but not nil, match nothing. It is safe to
// repeat.
//
// Errors: [drkit.ErrListMoved] if vaults keep coming or going while the list is read.
// Roles: cbr:vaults:list.
//
// Source: CBR API reference, "Querying the Vault List".
func (v *Vaults) List(ctx context.Context, query VaultQuery) iter.Seq2[Vault, error] {
	if query.IDs != nil && len(query.IDs) == 0 || query.ResourceIDs != nil && len(query.ResourceIDs) == 0 {
		return none[Vault]
	}
	return v.walk(ctx, "checkpoints.Vaults.List", query.Offset, query.Limit, func(offset, limit int) transport.Call {
		query := query
		query.Offset, query.Limit = offset, limit
		return transport.Call{Operation: &contract.VaultsList, Query: query}
	})
}

// External walks the vaults of a project in another region that match query, as [Vaults.List] does. It is safe to
// repeat. Huawei Cloud only.
//
// Errors: [drkit.ErrListMoved] if vaults keep coming or going while the list is read.
//
// Source: Huawei Cloud CBR API reference.
func (v *Vaults) External(ctx context.Context, query ExternalVaultQuery) iter.Seq2[Vault, error] {
	err := errors.Join(filled("external project id", query.ExternalProjectID), filled("region id", query.RegionID))
	if err != nil {
		return refused[Vault](wrong(&contract.VaultsExternal, err))
	}
	return v.walk(ctx, "checkpoints.Vaults.External", query.Offset, query.Limit, func(offset, limit int) transport.Call {
		query := query
		query.Offset, query.Limit = offset, limit
		return transport.Call{Operation: &contract.VaultsExternal, Query: query}
	})
}

// walk reads a list of vaults; call makes the call for a page.
func (v *Vaults) walk(
	ctx context.Context, name string, offset, limit int, call func(offset, limit int) transport.Call,
) iter.Seq2[Vault, error] {
	return rows(ctx, v.resource, transport.List[Vault]{
		Name: name, Offset: offset, Limit: limit,
		ID: func(row *Vault) string { return row.ID },
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[Vault], error) {
			var page struct {
				Vaults []Vault
				Count  *int
			}
			call := call(offset, limit)
			call.Check = lists("vaults", &page.Vaults, &page.Count)
			err := v.do(ctx, call, &page)
			return pageOf(page.Vaults, page.Count), err
		},
	})
}

// Get returns a vault with its resources. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: cbr:vaults:get.
//
// Source: CBR API reference, "Querying a Specified Vault".
func (v *Vaults) Get(ctx context.Context, id string) (Vault, error) {
	return v.one(ctx, transport.Call{Operation: &contract.VaultsGet, Path: []string{id}})
}

// Update changes what update names. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound]; [ErrBusy] if the vault cannot be changed now; [ErrInvalid].
// Roles: cbr:vaults:update.
//
// Source: CBR API reference, "Modifying a Vault".
func (v *Vaults) Update(ctx context.Context, id string, update VaultUpdate) (Vault, error) {
	if err := update.check(); err != nil {
		return Vault{}, wrong(&contract.VaultsUpdate, err)
	}
	return v.one(ctx, transport.Call{Operation: &contract.VaultsUpdate, Path: []string{id}, Body: struct {
		Vault VaultUpdate `json:"vault"`
	}{update}})
}

// one sends a call that answers a vault.
func (v *Vaults) one(ctx context.Context, call transport.Call) (Vault, error) {
	var answer struct{ Vault Vault }
	call.Check = holds("vault", &answer.Vault.ID)
	err := v.do(ctx, call, &answer)
	return answer.Vault, err
}

// Delete deletes a vault with all its backups. It returns once the service has taken the request; the poller waits
// until the vault is gone. It is safe to repeat: a repeat that finds nothing, or a vault that is being deleted, counts
// as done.
//
// Errors: [drkit.ErrNotFound]; [ErrBusy] if the vault cannot be deleted now.
// Roles: cbr:vaults:delete.
//
// Source: CBR API reference, "Deleting a Vault".
func (v *Vaults) Delete(ctx context.Context, id string) (*drkit.Poller[NoResult], error) {
	return begin(ctx, v.client, order[NoResult]{
		call:   transport.Call{Operation: &contract.VaultsDelete, Path: []string{id}, Done: v.client.leavingVault(id).begun},
		follow: func(*transport.Note) pursuit[NoResult] { return v.client.leavingVault(id) },
	})
}

// UpdateNotifications changes when all vaults of the project warn of being full, and returns the ids of those that
// were changed. It is safe to repeat. Huawei Cloud only.
//
// Source: the code of a client.
func (v *Vaults) UpdateNotifications(ctx context.Context, notifications VaultNotifications) ([]string, error) {
	var answer struct {
		IDs []string `json:"updated_vaults_id"`
	}
	err := v.do(ctx, transport.Call{Operation: &contract.VaultsUpdateNotifications, Body: struct {
		Vault VaultNotifications `json:"vault"`
	}{notifications}}, &answer)
	return answer.IDs, err
}

// Summary returns what all vaults of the project come to. It is safe to repeat. Huawei Cloud only.
//
// Source: the code of a client.
func (v *Vaults) Summary(ctx context.Context) (VaultSummary, error) {
	var summary VaultSummary
	err := v.do(ctx, transport.Call{Operation: &contract.VaultsSummary}, &summary)
	return summary, err
}
