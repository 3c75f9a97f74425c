package vcavtest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// RetentionRule is how many instances of a replication are kept at what distance.
type RetentionRule struct {
	Instances int // how many
	Distance  int // between two of them, in minutes
}

// SLAProfile is a named set of settings for replications.
type SLAProfile struct {
	DisplayName        string          // must be set; [SLAProfileID] makes its id
	RPO                int             // in minutes; default: 240
	Retention          []RetentionRule // default: four instances at 360 minutes; empty but not nil: none
	DataConnectionType string          // default: ENCRYPTED_COMPRESSED
	Unquiesced         bool            // whether guests are left as they are
}

// SLAProfiles adds SLA profiles, or changes those of the same name. Gold, Silver and Bronze are there by
// default, with an RPO of one, four and 24 hours, and so is every one that a [Replication] names. The API
// has no operation that makes or shows them.
func SLAProfiles(profiles ...SLAProfile) Option {
	return func(c *config) error {
		for _, profile := range profiles {
			if profile.DisplayName == "" {
				return errors.New("SLAProfiles: a profile has no DisplayName")
			}
			if err := profile.settings().check(); err != nil {
				return fmt.Errorf("SLAProfiles: %s: %w", profile.DisplayName, err)
			}
		}
		c.profiles = append(c.profiles, profiles...)
		return nil
	}
}

func usualProfiles() []SLAProfile {
	return []SLAProfile{
		{DisplayName: "Gold", RPO: 60},
		{DisplayName: "Silver", RPO: 240},
		{DisplayName: "Bronze", RPO: 24 * 60},
	}
}

// slaProfile is the state of one profile.
type slaProfile struct {
	id       string
	name     string
	settings settings
}

// settings are those that an SLA profile can set.
type settings struct {
	rpo        int // in minutes
	connection string
	quiesced   bool
	retention  []RetentionRule // empty: only the latest instance is kept
}

const (
	usualRPO        = 240
	usualConnection = "ENCRYPTED_COMPRESSED"
)

func usualRetention() []RetentionRule { return []RetentionRule{{Instances: 4, Distance: 360}} }

func (p SLAProfile) settings() settings {
	s := settings{
		rpo: p.RPO, connection: or(p.DataConnectionType, usualConnection), quiesced: !p.Unquiesced, retention: p.Retention,
	}
	if s.rpo == 0 {
		s.rpo = usualRPO
	}
	if s.retention == nil {
		s.retention = usualRetention()
	}
	return s
}

// check says what makes no sense whatever the policies allow.
func (s settings) check() error {
	if s.rpo <= 0 {
		return fmt.Errorf("an RPO of %d minutes makes no sense", s.rpo)
	}
	if !slices.Contains([]string{"PLAIN", "ENCRYPTED", usualConnection}, s.connection) {
		return fmt.Errorf("%q is not a type of data connection", s.connection)
	}
	for _, rule := range s.retention {
		if rule.Instances <= 0 || rule.Distance <= 0 {
			return fmt.Errorf("a retention of %d instances at %d minutes makes no sense", rule.Instances, rule.Distance)
		}
	}
	return nil
}

// instances is how many instances the retention rules add up to.
func (s settings) instances() int {
	sum := 0
	for _, rule := range s.retention {
		sum += rule.Instances
	}
	return sum
}

// change is what a request says about the settings; what it leaves out is nil.
type change struct {
	RPO                *int           `json:"rpo"`
	DataConnectionType *string        `json:"dataConnectionType"`
	Quiesced           *bool          `json:"quiesced"`
	Retention          *retentionBody `json:"retentionPolicy"`
	SLAProfileID       *string        `json:"slaProfileId"`
}

// custom reports whether the request has settings of its own instead of a profile's.
func (c change) custom() bool {
	return c.SLAProfileID == nil &&
		(c.RPO != nil || c.DataConnectionType != nil || c.Quiesced != nil || c.Retention != nil)
}

// apply returns the settings and the profile after a change. A profile replaces all settings, also those
// that come with it in the same request, as they do in the guide's samples; settings alone end the profile.
func (a *appliance) apply(c change, before settings, profile *slaProfile) (settings, *slaProfile, error) {
	if c.SLAProfileID != nil {
		named, known := a.profiles[*c.SLAProfileID]
		if !known {
			return before, nil, refuse(http.StatusNotFound, CodeSLAProfileNotFound,
				"SLA profile with id '%s' was not found.", *c.SLAProfileID)
		}
		return named.settings, named, nil
	}
	if !c.custom() {
		return before, profile, nil
	}
	after := before
	if c.RPO != nil {
		after.rpo = *c.RPO
	}
	if c.DataConnectionType != nil {
		after.connection = *c.DataConnectionType
	}
	if c.Quiesced != nil {
		after.quiesced = *c.Quiesced
	}
	if c.Retention != nil {
		after.retention = []RetentionRule{}
		for _, rule := range c.Retention.Rules {
			after.retention = append(after.retention, RetentionRule{Instances: rule.NumberOfInstances, Distance: rule.Distance})
		}
	}
	if err := after.check(); err != nil {
		return before, nil, refuse(http.StatusBadRequest, CodeBadUserInput, "%s.", err)
	}
	return after, nil, nil
}

func (a *appliance) addProfile(given SLAProfile) {
	id := SLAProfileID(given.DisplayName)
	a.profiles[id] = &slaProfile{id: id, name: given.DisplayName, settings: given.settings()}
}

// profileNamed returns the profile of a display name, made if need be, or nil for the empty name.
func (a *appliance) profileNamed(name string) *slaProfile {
	if name == "" {
		return nil
	}
	if _, known := a.profiles[SLAProfileID(name)]; !known {
		a.addProfile(SLAProfile{DisplayName: name})
	}
	return a.profiles[SLAProfileID(name)]
}

// checkExcluded checks the excluded disks of a request against the machine's: at least one remains.
func checkExcluded(m *machine, excluded []int) error {
	for _, key := range excluded {
		if !slices.Contains(m.disks, key) {
			return refuse(http.StatusBadRequest, CodeBadUserInput, "VM '%s' has no disk %d, but %d.", m.id, key, m.disks)
		}
	}
	if len(remaining(m, excluded)) == 0 {
		return refuse(http.StatusBadRequest, CodeBadUserInput, "No disk of VM '%s' would be replicated.", m.id)
	}
	return nil
}

// remaining are the disks of a machine that are replicated.
func remaining(m *machine, excluded []int) []int {
	return slices.DeleteFunc(slices.Clone(m.disks), func(key int) bool { return slices.Contains(excluded, key) })
}
