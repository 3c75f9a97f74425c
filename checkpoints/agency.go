package checkpoints

import (
	"context"
	"errors"

	"github.com/drkit-go/drkit"
)

// Delegation is an agency: the right to act in another account.
type Delegation struct {
	// Domain is the account that has created the agency.
	Domain Domain
	// Name is that of the agency.
	Name string
	// Project is a project of that account. Empty leaves it to the project that the client is made with; one
	// that is named without an account belongs to Domain.
	Project Project
}

// Agency acts for another account: it signs in as by says, and with that takes up the agency. The user needs the
// right Agent Operator. The project of by is only for its own sign-in, and may be left out.
//
// Source: Open Telekom Cloud, Identity and Access Management API reference, "Obtaining an Agency Token"; the name of
// the agency goes out as xrole_name, as in every example and against the table.
func Agency(by Credentials, agency Delegation) Credentials {
	return agencyLogin{by: by, agency: agency}
}

type agencyLogin struct {
	by     Credentials
	agency Delegation
}

func (l agencyLogin) check() error {
	base, ok := l.by.(signer)
	switch {
	case !ok:
		return errors.New("an agency needs credentials that sign in at the identity service")
	case l.agency.Name == "":
		return errors.New("name of the agency is empty")
	case l.agency.Domain == (Domain{}):
		return errors.New("agency has no account: who has created it?")
	}
	if _, nested := l.by.(agencyLogin); nested {
		return errors.New("an agency cannot be taken up by way of another")
	}
	return errors.Join(base.check(), l.agency.Project.check())
}

func (l agencyLogin) base() signer {
	base, _ := l.by.(signer)
	return base
}

func (l agencyLogin) secrets() []drkit.Secret { return l.by.secrets() }
func (l agencyLogin) at() Identity            { return l.base().at() }
func (l agencyLogin) target() Project         { return l.agency.Project }
func (l agencyLogin) prolongs() bool          { return l.base().prolongs() }

func (l agencyLogin) obtain(ctx context.Context, k *keystone, project Project, catalog bool) (issued, error) {
	own, err := l.base().obtain(ctx, k, l.base().target(), false)
	if err != nil {
		return issued{}, err
	}
	role := &roleProof{Agency: l.agency.Name, DomainID: l.agency.Domain.ID}
	if role.DomainID == "" {
		role.DomainName = l.agency.Domain.Name
	}
	proof := proof{Methods: []string{"assume_role"}, Role: role}
	return k.createToken(ctx, proof, project.within(l.agency.Domain), own.token, catalog)
}
