package vcav

import "encoding/json"

// MigrateRequest says how a machine is recovered at the end of a planned migration: [CloudMigrate] into a
// Cloud Director site, or [VCenterMigrate] into an on-premises site. There is no instance to choose: a
// migration synchronizes first and recovers what that brings.
type MigrateRequest interface {
	checker
	migrate()
}

func (CloudMigrate) migrate()   {}
func (VCenterMigrate) migrate() {}

func (CloudMigrate) check() error   { return nil }
func (VCenterMigrate) check() error { return nil }

// MarshalJSON writes the request with its type.
func (m CloudMigrate) MarshalJSON() ([]byte, error) {
	type members CloudMigrate
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vcloud", members(m)})
}

// MarshalJSON writes the request with its type.
func (m VCenterMigrate) MarshalJSON() ([]byte, error) {
	type members VCenterMigrate
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vcenter", members(m)})
}
