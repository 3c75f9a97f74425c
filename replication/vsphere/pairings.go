package vsphere

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// Pairings are the pairs of this site and others.
type Pairings struct{ at place }

// PairingSpec is the other site of a pairing.
//
// Source: vSphere Replication REST API reference, the schemas PairingSpec and PairingSpecPairPscInfo.
type PairingSpec struct {
	// PSC is where to sign in: the Platform Services Controller of the other site, or its vCenter Server.
	PSC PSCInfo
	// VCID is the identifier of the other vCenter Server, a UUID.
	VCID string
}

// PSCInfo is an address, and a user there.
type PSCInfo struct {
	// URL is the address.
	URL string
	// Port is 443 by default.
	Port drkit.Opt[int]
	// Thumbprint is that of the certificate; null or absent leaves the check to the service.
	Thumbprint drkit.Opt[string]
	// Username is the name of the user.
	Username string
	// Password is that of the user.
	Password drkit.Secret
}

func (s PairingSpec) check() error {
	switch {
	case s.PSC.URL == "":
		return errors.New("PSC.URL is empty")
	case s.PSC.Username == "":
		return errors.New("PSC.Username is empty")
	case s.PSC.Password.IsZero():
		return errors.New("PSC.Password is empty")
	case s.VCID == "":
		return errors.New("VCID is empty")
	default:
		return nil
	}
}

// body is a PairingSpec as it is sent.
func (s PairingSpec) body() any {
	type psc struct {
		URL        string            `json:"url"`
		Port       drkit.Opt[int]    `json:"port,omitzero"`
		Thumbprint drkit.Opt[string] `json:"thumbprint,omitzero"`
		Username   string            `json:"username"`
		Password   string            `json:"password"`
	}
	return struct {
		PSC  psc    `json:"pair_psc_info"`
		VCID string `json:"pair_vc_id"`
	}{psc{s.PSC.URL, s.PSC.Port, s.PSC.Thumbprint, s.PSC.Username, s.PSC.Password.Reveal()}, s.VCID}
}

// List walks the pairings of this site. It is safe to repeat.
//
// Without a session at the other site, or while that is down, rows are partial.
//
// Errors: [drkit.ErrListMoved] if pairings keep coming or going while the list is read.
// Privileges: Hbr.View.
// Source: vSphere Replication REST API reference, "List pairings".
func (p *Pairings) List(ctx context.Context, query ListQuery) iter.Seq2[Pairing, error] {
	return walk(ctx, list[Pairing]{
		at: p.at, call: transport.Call{Operation: &contract.PairingsList}, query: query,
		id: func(row *Pairing) string { return row.PairingID },
	})
}

// Create pairs this site with another. The request is sent at most once.
//
// Privileges: Hms.Manage.
// Source: vSphere Replication REST API reference, "Pair with a remote server".
func (p *Pairings) Create(ctx context.Context, spec PairingSpec) (*drkit.Poller[Task], error) {
	if err := spec.check(); err != nil {
		return nil, fmt.Errorf("%s.Pairings.Create: %w", service, err)
	}
	p.at.client.transport.Hide(spec.PSC.Password)
	return p.at.begin(ctx, transport.Call{Operation: &contract.PairingsCreate, Body: spec.body()})
}

// Get returns one pairing. It is safe to repeat.
//
// Without a session at the other site, or while that is down, it is partial.
//
// Errors: [drkit.ErrNotFound] if there is no such pairing.
// Privileges: Hbr.View.
// Source: vSphere Replication REST API reference, "Get pairing".
func (p *Pairings) Get(ctx context.Context, id string) (Pairing, error) {
	var pairing Pairing
	err := p.at.do(ctx, transport.Call{Operation: &contract.PairingsGet, Path: []string{id}}, &pairing)
	return pairing, err
}

// Break ends a pairing at both sites or, forced, at this one alone. The request is sent at most once.
//
// Privileges: Hms.Manage.
// Source: vSphere Replication REST API reference, "Break pairing".
func (p *Pairings) Break(ctx context.Context, id string, query BreakQuery) (*drkit.Poller[Task], error) {
	return p.at.begin(ctx, transport.Call{Operation: &contract.PairingsBreak, Path: []string{id}, Query: query})
}

// Reconnect makes the two sites connect anew, after a certificate or an address has changed. The request is sent at
// most once.
//
// Privileges: Hms.Manage.
// Source: vSphere Replication REST API reference, "Reconnect pairing".
func (p *Pairings) Reconnect(ctx context.Context, id string, spec PairingSpec) (*drkit.Poller[Task], error) {
	if err := spec.check(); err != nil {
		return nil, fmt.Errorf("%s.Pairings.Reconnect: %w", service, err)
	}
	p.at.client.transport.Hide(spec.PSC.Password)
	return p.at.begin(ctx, transport.Call{Operation: &contract.PairingsReconnect, Path: []string{id}, Body: spec.body()})
}

// Issues walks what is wrong with a pairing. It is safe to repeat.
//
// Without a session at the other site, or while that is down, it is partial.
//
// Errors: [drkit.ErrListMoved] if issues keep coming or going while the list is read.
// Privileges: Hms.View.
// Source: vSphere Replication REST API reference, "Pairing issues".
func (p *Pairings) Issues(ctx context.Context, id string, query ListQuery) iter.Seq2[IssueInfo, error] {
	call := transport.Call{Operation: &contract.PairingsIssues, Path: []string{id}}
	return walk(ctx, list[IssueInfo]{at: p.at, call: call, query: query, id: issueID})
}

// issueID tells issues apart, which have no identifier of their own.
func issueID(row *IssueInfo) string {
	moment := strconv.FormatInt(row.Timestamp.UnixMilli(), 10)
	return row.Entity + "\n" + string(row.IssueType) + "\n" + string(row.Status) + "\n" + moment + "\n" + row.Description
}
