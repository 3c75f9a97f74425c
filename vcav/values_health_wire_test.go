package vcav_test

import (
	"encoding/json"

	"github.com/drkit-go/drkit/vcav"
)

// The values that the samples of the health stand for.

// healths are the healths of the samples that have one, by the name of the sample.
func healths() map[string]any {
	old := wellHealth("3.5.2.1590426-4d7ec18a09")
	old.ProductName, old.ManagerHealth.ProductName = "vCloud Availability Cloud Service", "vCloud Availability Manager Service"
	old.BuildDate, old.ManagerHealth.BuildDate = millis(1581926400000), millis(1581926400000)
	return map[string]any{
		"answer": illHealth(), "well": wellHealth(about().BuildVersion), "nested": wellHealth("4.6.0.2398761-81be0d5f4c"), "before_4_1": old,
	}
}

// wellHealth is that of an appliance that reaches everything.
func wellHealth(version string) vcav.CloudHealth {
	return vcav.CloudHealth{
		ProductName: about().ProductName, BuildVersion: version, BuildDate: about().BuildDate,
		InstanceID: about().InstanceID, RuntimeID: "2f6b90e4-d8c1-4753-ae06-b19d5c7f8e32",
		CurrentTime: millis(1795082399871), Address: "192.0.2.10",
		ManagerHealth: &vcav.ManagerHealth{
			ProductName: "VMware Cloud Director Availability Manager Service", BuildVersion: version, BuildDate: about().BuildDate,
			InstanceID: "90b3e5d7-4a1f-4c68-82de-f7c05a1b6e94", RuntimeID: "c8d2714f-05e9-4b3a-9f61-e40a7b83d25c",
			CurrentTime: millis(1795082399502), Address: "192.0.2.11",
			OfflineReplicators:         []json.RawMessage{},
			OnlineReplicators:          raw(`{"id":"replicator-1","address":"192.0.2.12"}`),
			LocalReplicatorsHealth:     raw(`{"id":"replicator-1","diskUsage":{"total":41284928}}`),
			LocalReplicatorsLSMismatch: json.RawMessage("null"),
			DiskUsage:                  &vcav.DiskUsage{Total: 20642464, Usable: 14987232, Free: 16042928},
		},
		DiskUsage: &vcav.DiskUsage{Total: 10321232, Usable: 7493616, Free: 8021464},
	}
}

// illHealth is that of an appliance that reaches nothing.
func illHealth() vcav.CloudHealth {
	health := wellHealth(about().BuildVersion)
	noLookupService := failure("LookupServiceNotConfigured", "There is no Lookup Service.")
	noClock := failure("FailedToConnectToNtpServer", "ntp.south.example.com did not answer.", "ntp.south.example.com")
	health.TunnelError = failure("TunnelNotConfigured", "There is no tunnel.")
	health.VCDError = failure("FailedToRetrieveVcdFromLookupService", "vcd.south.example.com is not registered.", "vcd.south.example.com")
	health.ManagerError = failure("ConnectionRefused", "manager.south.example.com did not answer.", "manager.south.example.com")
	health.LSError, health.NTPError = noLookupService, noClock
	health.DBError = failure("ConnectionRefused", "The database did not answer.")
	manager := health.ManagerHealth
	manager.OfflineReplicators = raw(`{"id":"replicator-2","address":"192.0.2.13"}`)
	manager.LSError, manager.NTPError = noLookupService, noClock
	manager.DBError = failure(vcav.CodeGeneralServerFailure, "The service failed.")
	manager.LocalReplicatorsLSMismatch = json.RawMessage(`["replicator-2"]`)
	return health
}

func failure(code, message string, args ...string) *vcav.APIError {
	return &vcav.APIError{Code: code, Msg: message, Args: append([]string{}, args...)}
}

func raw(values ...string) []json.RawMessage {
	var all []json.RawMessage
	for _, value := range values {
		all = append(all, json.RawMessage(value))
	}
	return all
}

// tidyHealth removes white space from the raw members of a health, which keep the sender's.
func tidyHealth(health vcav.CloudHealth) vcav.CloudHealth {
	if health.ManagerHealth == nil {
		return health
	}
	manager := *health.ManagerHealth
	health.ManagerHealth = &manager
	manager.LocalReplicatorsLSMismatch = compact(manager.LocalReplicatorsLSMismatch)
	for _, list := range []*[]json.RawMessage{&manager.OfflineReplicators, &manager.OnlineReplicators, &manager.LocalReplicatorsHealth} {
		tidied := []json.RawMessage{}
		for _, value := range *list {
			tidied = append(tidied, compact(value))
		}
		*list = tidied
	}
	return health
}
