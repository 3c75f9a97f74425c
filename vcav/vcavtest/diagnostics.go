package vcavtest

import (
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// NotConfigured makes the appliance one whose first configuration has not been done: GET
// /config/is-configured says so, and in the health tunnel, Lookup Service and Cloud Director are missing.
// What else such an appliance refuses nobody documents, and nothing else is refused here. By default the
// appliance is configured.
//
// Source: Cloud Director Availability API guide, "Operation IDs" for the request; the answer is what clients
// read.
func NotConfigured() Option {
	return func(c *config) error {
		c.unconfigured = true
		return nil
	}
}

type configurationBody struct {
	IsConfigured bool `json:"isConfigured"`
}

func (a *appliance) isConfigured(*simkit.Call, *visit) (any, error) {
	return configurationBody{IsConfigured: !a.config.unconfigured}, nil
}

func (a *appliance) about(*simkit.Call, *visit) (any, error) {
	return aboutBody{
		ServiceType: "CLOUD", ProductName: "drkit simulator of Cloud Director Availability",
		InstanceID: a.instanceID, BuildVersion: a.buildVersion(), BuildDate: millis(buildDate()),
	}, nil
}

func (a *appliance) buildVersion() string { return a.config.productVersion + ".7654321-5ca1ab1e00" }

func buildDate() time.Time { return time.Date(2021, time.February, 3, 4, 5, 6, 0, time.UTC) }
