package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// choice is what is to be backed up.
type choice struct {
	vault     checkpoints.Vault
	resources []checkpoints.VaultResource
	all       bool // whatever the vault protects when the service begins
}

// choose finds the vault and the resources that the settings name. It changes nothing. Nothing is guessed: a name
// that fits two is refused like one that fits none.
func (s settings) choose(ctx context.Context, client *checkpoints.Client) (choice, error) {
	vaults, err := drkit.Collect(client.Vaults.List(ctx, checkpoints.VaultQuery{}))
	if err != nil {
		return choice{}, err
	}
	vault, err := s.findVault(vaults)
	switch {
	case errors.As(err, new(unprotected)):
		return choice{}, explain(ctx, client, vaults, err)
	case err != nil:
		return choice{}, err
	}
	if err := usable(vault); err != nil {
		return choice{}, err
	}
	if len(s.resources) == 0 {
		return choice{vault: vault, resources: vault.Resources, all: true}, nil
	}
	found := choice{vault: vault}
	for _, name := range s.resources {
		resource, err := find(vault, name)
		switch {
		case errors.As(err, new(unprotected)):
			return choice{}, explain(ctx, client, vaults, err)
		case err != nil:
			return choice{}, err
		case slices.ContainsFunc(found.resources, func(r checkpoints.VaultResource) bool { return r.ID == resource.ID }):
			return choice{}, fmt.Errorf("%q is named twice", resource.Name)
		}
		found.resources = append(found.resources, resource)
	}
	return found, nil
}

// findVault returns the vault that was named, or else the one that protects the resources.
func (s settings) findVault(all []checkpoints.Vault) (checkpoints.Vault, error) {
	fits := func(vault checkpoints.Vault) bool { return vault.ID == s.vault || vault.Name == s.vault }
	if s.vault == "" {
		fits = func(vault checkpoints.Vault) bool { return protects(vault, s.resources[0]) }
	}
	var found []checkpoints.Vault
	for _, vault := range all {
		if fits(vault) {
			found = append(found, vault)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1 && s.vault == "":
		return checkpoints.Vault{}, fmt.Errorf("%q is protected by %s and %s: name one of them with -vault", s.resources[0], found[0].Name, found[1].Name)
	case len(found) > 1:
		return checkpoints.Vault{}, fmt.Errorf("%q may be %s or %s: name it by its id", s.vault, found[0].ID, found[1].ID)
	case s.vault == "":
		return checkpoints.Vault{}, unprotected{s.resources[0]}
	default:
		return checkpoints.Vault{}, fmt.Errorf("there is no vault %q", s.vault)
	}
}

func protects(vault checkpoints.Vault, name string) bool {
	return slices.ContainsFunc(vault.Resources, func(r checkpoints.VaultResource) bool { return r.ID == name || r.Name == name })
}

// usable refuses a vault that nothing can be backed up of. A state that nobody knows is left to the service.
func usable(vault checkpoints.Vault) error {
	switch {
	case vault.Billing.ProtectType == checkpoints.ProtectTypeReplication:
		return fmt.Errorf("vault %s holds copies from another region: it backs up nothing", vault.Name)
	case slices.Contains([]checkpoints.VaultStatus{
		checkpoints.VaultStatusDeleting, checkpoints.VaultStatusFrozen, checkpoints.VaultStatusError,
	}, vault.Billing.Status):
		return fmt.Errorf("vault %s is in the state %q", vault.Name, vault.Billing.Status)
	case len(vault.Resources) == 0:
		return fmt.Errorf("vault %s protects nothing", vault.Name)
	default:
		return nil
	}
}

// find returns the resource of a name or id.
func find(vault checkpoints.Vault, name string) (checkpoints.VaultResource, error) {
	var found []checkpoints.VaultResource
	for _, resource := range vault.Resources {
		if resource.ID == name || resource.Name == name {
			found = append(found, resource)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return checkpoints.VaultResource{}, unprotected{name}
	default:
		return checkpoints.VaultResource{}, fmt.Errorf("%q may be %s or %s: name it by its id", name, found[0].ID, found[1].ID)
	}
}

// unprotected is a resource that the vault does not protect, by the name that it was asked for.
type unprotected struct{ name string }

func (u unprotected) Error() string { return fmt.Sprintf("no vault protects %q", u.name) }

// explain says of a resource that is not where it was looked for what else is known.
func explain(ctx context.Context, client *checkpoints.Client, vaults []checkpoints.Vault, err error) error {
	var missing unprotected
	errors.As(err, &missing)
	for _, vault := range vaults {
		if protects(vault, missing.name) {
			return fmt.Errorf("%q is protected by vault %s: one checkpoint is of one vault", missing.name, vault.Name)
		}
	}
	for _, kind := range []checkpoints.ProtectableType{
		checkpoints.ProtectableTypeServer, checkpoints.ProtectableTypeDisk, checkpoints.ProtectableTypeTurbo,
	} {
		for _, query := range []checkpoints.ProtectableQuery{{Name: missing.name}, {ID: missing.name}} {
			there, err := client.Protectables.List(ctx, kind, query)
			if err != nil {
				continue // not every cloud has this list, and it only helps
			}
			i := slices.IndexFunc(there, func(p checkpoints.Protectable) bool { return p.ID == missing.name || p.Name == missing.name })
			if i >= 0 {
				return fmt.Errorf("%w: %s", missing, couldBe(there[i]))
			}
		}
	}
	return fmt.Errorf("%w: there is %s", missing, strings.Join(protected(vaults), ", "))
}

// couldBe says of an unprotected resource whether a vault could protect it.
func couldBe(resource checkpoints.Protectable) string {
	if can := resource.Protectable; !can.Result {
		return strings.TrimSpace(fmt.Sprintf("none can, because %s %s", can.Code, can.Reason))
	}
	return fmt.Sprintf("associate %s with one first", resource.ID)
}

// protected are the names of all resources of all vaults.
func protected(vaults []checkpoints.Vault) []string {
	names := []string{}
	for _, vault := range vaults {
		for _, resource := range vault.Resources {
			names = append(names, resource.Name)
		}
	}
	return names
}
