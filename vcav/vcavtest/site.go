package vcavtest

import (
	"fmt"
	"slices"
)

// site is a place where machines are, with the part of Cloud Director or vCenter Server that matters here.
// What follows from its name is made once, because lists show it in every row.
type site struct {
	name       string
	orgs       []string // none on premises
	onPremises bool
	dead       bool
	silent     bool // dead, and never answers

	vdcs     map[string]vdc // by organization
	vim      vimLocationBody
	accounts map[string]account // by user
	tokens   map[string]string  // of Cloud Director, to their users
	machines map[string]*machine
	shelf    []*machine // the machines in order of creation
	policies policies
	morefs   int // of machines that were recovered here
}

type vdc struct{ id, name string }

// newSite makes a cloud site, or one on premises if there are no organizations.
func newSite(name string, orgs ...string) *site {
	s := &site{
		name: name, orgs: orgs, onPremises: len(orgs) == 0, vdcs: map[string]vdc{},
		accounts: map[string]account{}, tokens: map[string]string{}, machines: map[string]*machine{},
		vim: vimLocationBody{
			VIMServer:             stableID("vim", name),
			VIMServerInstanceUUID: VCenterID(name),
			Datastore:             stableID("datastore", name),
			DatastoreMoref:        "datastore-7",
			DatastoreName:         name + "-replicas",
		},
	}
	for _, org := range orgs {
		s.vdcs[org] = vdc{id: VDCID(name, org), name: org + " data center"}
	}
	return s
}

// kind is what filters call the type of a site.
func (s *site) kind() string {
	if s.onPremises {
		return "vcenter"
	}
	return "vcloud"
}

// knows reports whether somebody can be of this organization at the site.
func (s *site) knows(org string) bool {
	return !s.onPremises && (org == systemOrg || slices.Contains(s.orgs, org))
}

// checkUser holds a Cloud Director user against the organizations of the site.
func (s *site) checkUser(user string) error {
	if org := orgOf(user); !s.knows(org) {
		return fmt.Errorf("the site %s has no organization %q for the user %q", s.name, org, user)
	}
	return nil
}

func (s *site) addAccount(who account) error {
	if !who.sso {
		if err := s.checkUser(who.user); err != nil {
			return err
		}
	}
	s.accounts[who.user] = who
	return nil
}

// addToken lets a Cloud Director token stand for a user.
func (s *site) addToken(token, user string) error {
	if err := s.checkUser(user); err != nil {
		return err
	}
	s.tokens[token] = user
	return nil
}

// end is one end of a replication.
type end struct {
	site     *site
	org      string // empty on premises
	vappID   string
	vappName string
}

func (e end) vdc() vdc { return e.site.vdcs[e.org] }
