package cloudreplicatest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

// shown is what a page about a tenant makes of it.
type shown func(t *tenant) (*reply, error)

// ofTenant answers about the tenant of the path.
func (v *visit) ofTenant(show shown) (*reply, error) {
	found, err := v.tenant()
	if err != nil {
		return nil, err
	}
	return show(found)
}

// partOf finds what belongs to a tenant by its id.
func partOf[T any](kind string, all []T, id string, idOf func(T) string) (T, error) {
	at := slices.IndexFunc(all, func(one T) bool { return strings.EqualFold(idOf(one), id) })
	if at < 0 {
		var none T
		return none, refuse(http.StatusNotFound, "%s with id [%s] was not found", kind, id)
	}
	return all[at], nil
}

func quotaID(q quota) string             { return q.id }
func computeID(c computeResource) string { return c.id }
func datacenterID(d datacenter) string   { return d.id }
func subtenantID(s subtenant) string     { return s.id }
func without[T any](all []T, id string, idOf func(T) string) []T {
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return idOf(one) == id })
}

// with is a list with one more, which shares nothing with the list.
func with[T any](all []T, one T) []T { return append(slices.Clip(slices.Clone(all)), one) }

func (v *visit) listQuotas() (*reply, error) {
	return v.ofTenant(func(t *tenant) (*reply, error) {
		return found200(collection("CloudTenantResources", t.listQuotas(v.printer)))
	})
}

func (v *visit) getQuota() (*reply, error) {
	return v.ofTenant(func(t *tenant) (*reply, error) {
		found, err := partOf("CloudTenantResource", t.quotas, v.call.Arguments["resourceId"], quotaID)
		if err != nil {
			return nil, err
		}
		return found200(t.showQuota(v.printer, "CloudTenantResource", found))
	})
}

func (v *visit) createQuota() (*reply, error) {
	var spec quotaSpec
	if err := v.read(&spec); err != nil {
		return nil, err
	}
	return v.ofTenant(func(of *tenant) (*reply, error) {
		return v.change(of, func(t *tenant) (func() link, error) {
			made, err := spec.make()
			if err != nil {
				return nil, err
			}
			t.quotas = with(t.quotas, made)
			href := v.printer.of(tenantKind, t.id) + "/resources/" + made.id
			return func() link { return link{"Related", "CloudTenantResource", href, made.name} }, nil
		})
	})
}

func (v *visit) deleteQuota() (*reply, error) {
	return v.ofTenant(func(of *tenant) (*reply, error) {
		found, err := partOf("CloudTenantResource", of.quotas, v.call.Arguments["resourceId"], quotaID)
		if err != nil {
			return nil, err
		}
		return v.change(of, func(t *tenant) (func() link, error) {
			t.quotas = without(t.quotas, found.id, quotaID)
			return nil, nil
		})
	})
}

func (v *visit) listCompute() (*reply, error) {
	return v.ofTenant(func(t *tenant) (*reply, error) {
		return found200(collection("CloudTenantComputeResources", t.listCompute(v.printer)))
	})
}

func (v *visit) getCompute() (*reply, error) {
	return v.ofTenant(func(t *tenant) (*reply, error) {
		found, err := partOf("CloudTenantComputeResource", t.compute, v.call.Arguments["resourceId"], computeID)
		if err != nil {
			return nil, err
		}
		return found200(t.showCompute(v.printer, "CloudTenantComputeResource", found))
	})
}

func (v *visit) createCompute() (*reply, error) {
	var spec computeSpec
	if err := v.read(&spec); err != nil {
		return nil, err
	}
	return v.ofTenant(func(of *tenant) (*reply, error) {
		return v.change(of, func(t *tenant) (func() link, error) {
			made, err := v.subscribe(spec, t.server)
			if err != nil {
				return nil, err
			}
			if t.subscribes(made.plan) {
				return nil, failure("Tenant [%s] is subscribed to the hardware plan already", t.name)
			}
			t.compute = with(t.compute, made)
			return nil, nil
		})
	})
}

func (v *visit) deleteCompute() (*reply, error) {
	return v.ofTenant(func(of *tenant) (*reply, error) {
		found, err := partOf("CloudTenantComputeResource", of.compute, v.call.Arguments["resourceId"], computeID)
		if err != nil {
			return nil, err
		}
		return v.change(of, func(t *tenant) (func() link, error) {
			t.compute = without(t.compute, found.id, computeID)
			return nil, nil
		})
	})
}

func (v *visit) listDatacenters() (*reply, error) {
	return v.ofTenant(func(t *tenant) (*reply, error) {
		return found200(collection("CloudTenantVCloudComputeResources", t.listDatacenters(v.printer)))
	})
}

func (v *visit) getDatacenter() (*reply, error) {
	return v.ofTenant(func(t *tenant) (*reply, error) {
		found, err := partOf("CloudTenantVCloudComputeResource", t.datacenters, v.call.Arguments["resourceId"], datacenterID)
		if err != nil {
			return nil, err
		}
		return found200(t.showDatacenter(v.printer, "CloudTenantVCloudComputeResource", found))
	})
}

func (v *visit) createDatacenter() (*reply, error) {
	var spec datacenterSpec
	if err := v.read(&spec); err != nil {
		return nil, err
	}
	return v.ofTenant(func(of *tenant) (*reply, error) {
		return v.change(of, func(t *tenant) (func() link, error) {
			if t.kind != TenantVCD {
				return nil, failure("Tenant [%s] is not of Cloud Director", t.name)
			}
			t.datacenters = with(t.datacenters, spec.make())
			return nil, nil
		})
	})
}

func (v *visit) deleteDatacenter() (*reply, error) {
	return v.ofTenant(func(of *tenant) (*reply, error) {
		found, err := partOf("CloudTenantVCloudComputeResource", of.datacenters, v.call.Arguments["resourceId"], datacenterID)
		if err != nil {
			return nil, err
		}
		return v.change(of, func(t *tenant) (func() link, error) {
			t.datacenters = without(t.datacenters, found.id, datacenterID)
			return nil, nil
		})
	})
}

// tenantPools are the pools of a tenant, as references.
func (v *visit) tenantPools() (*reply, error) {
	return v.ofTenant(func(t *tenant) (*reply, error) {
		pools := slices.DeleteFunc(slices.Clone(v.known.pools.all), func(g *gatewayPool) bool { return !slices.Contains(t.pools, g.id) })
		return v.refs(gatewayPoolKind, rowsOf(pools))
	})
}

// licenseCounters counts a tenant's new replicas and nothing else, for there is nothing else here.
func (v *visit) licenseCounters() (*reply, error) {
	return v.ofTenant(func(t *tenant) (*reply, error) {
		href := v.printer.of(tenantKind, t.id)
		shown := resource("CloudTenantFreeLicenseCounters", "CloudTenantFreeLicenseCounters", href+"/freelicenseCounters",
			links{v.printer.up(tenantKind, t.id, t.name)})
		for _, name := range []string{
			"RentalVMBackupCount", "RentalWorkstationBackupCount", "RentalServerBackupCount", "NewVMBackupCount",
			"NewWorkstationBackupCount", "NewServerBackupCount", "NewVMReplicaCount",
		} {
			shown.with(set(name, 0))
		}
		return found200(shown)
	})
}

// subtenantSpec is the body of a create and of an edit.
type subtenantSpec struct {
	Name, TenantResourceID, QuotaName string
	Description, Password             *string
	Enabled                           *bool
	QuotaMb                           int
	UnlimitedQuota                    bool
	RepositoryQuota                   *struct {
		Unlimited   bool
		DisplayName *string
		QuotaMb     int
	}
}

func (v *visit) listSubtenants() (*reply, error) {
	return v.ofTenant(func(t *tenant) (*reply, error) {
		return found200(collection("CloudSubtenants", listOf("CloudSubtenant", t.subtenants,
			func(s subtenant) *document { return t.showSubtenant(v.printer, "", s) })))
	})
}

func (v *visit) getSubtenant() (*reply, error) {
	return v.ofTenant(func(t *tenant) (*reply, error) {
		found, err := partOf("CloudSubtenant", t.subtenants, v.call.Arguments["subtenantId"], subtenantID)
		if err != nil {
			return nil, err
		}
		return found200(t.showSubtenant(v.printer, "CloudSubtenant", found))
	})
}

func (v *visit) createSubtenant() (*reply, error) {
	var spec subtenantSpec
	if err := v.read(&spec); err != nil {
		return nil, err
	}
	return v.ofTenant(func(of *tenant) (*reply, error) {
		return v.change(of, func(t *tenant) (func() link, error) {
			held, err := partOf("CloudTenantResource", t.quotas, spec.TenantResourceID, quotaID)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(t.subtenants, func(s subtenant) bool { return strings.EqualFold(s.name, spec.Name) }) {
				return nil, failure("Subtenant [%s] already exists", spec.Name)
			}
			t.subtenants = with(t.subtenants, subtenant{
				id: simkit.FreshID(), name: spec.Name, description: value(spec.Description, ""), password: value(spec.Password, ""),
				enabled: value(spec.Enabled, true), resource: held.id, quotaName: or(spec.QuotaName, held.name),
				quotaID: simkit.FreshID(), unlimited: spec.UnlimitedQuota, quotaMB: spec.QuotaMb,
			})
			return nil, nil
		})
	})
}

func (v *visit) updateSubtenant() (*reply, error) {
	var spec subtenantSpec
	if err := v.read(&spec); err != nil {
		return nil, err
	}
	return v.onSubtenant(func(t *tenant, at int) {
		next := t.subtenants[at]
		replace(&next.description, spec.Description)
		replace(&next.password, spec.Password)
		replace(&next.enabled, spec.Enabled)
		if given := spec.RepositoryQuota; given != nil {
			next.unlimited, next.quotaMB = given.Unlimited, given.QuotaMb
			replace(&next.quotaName, given.DisplayName)
		}
		t.subtenants = slices.Clone(t.subtenants)
		t.subtenants[at] = next
	})
}

func (v *visit) deleteSubtenant() (*reply, error) {
	return v.onSubtenant(func(t *tenant, at int) { t.subtenants = without(t.subtenants, t.subtenants[at].id, subtenantID) })
}

// onSubtenant starts a task that changes a subtenant of the path.
func (v *visit) onSubtenant(work func(t *tenant, at int)) (*reply, error) {
	return v.ofTenant(func(of *tenant) (*reply, error) {
		found, err := partOf("CloudSubtenant", of.subtenants, v.call.Arguments["subtenantId"], subtenantID)
		if err != nil {
			return nil, err
		}
		return v.change(of, func(t *tenant) (func() link, error) {
			at := slices.IndexFunc(t.subtenants, func(s subtenant) bool { return s.id == found.id })
			if at < 0 {
				return nil, failure("Subtenant [%s] was not found", found.name)
			}
			work(t, at)
			return nil, nil
		})
	})
}
