package vspheretest

import (
	"encoding/json"
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

// narrowest are the arguments of paths, in the order in which they say what a request is about.
var narrowest = []string{
	"replication_id", "instance_id", "task_id", "replication_server_id", "datastore_id", "storage_policy_id", "vm_id",
	"compute_id", "vm_folder_id", "vr_id", "vcenter_id", "pairing_id",
}

// resourceOf says what a request is about, for faults and the audit: the replication of one that names one, else the
// last id of its path; for a configuration, which names none there, the machines, with commas between them.
func resourceOf(call *simkit.Call) string {
	if call.Operation.Body == "ConfigureReplications" {
		return machinesIn(call.Body)
	}
	for _, name := range narrowest {
		if id := call.Arguments[name]; id != "" {
			return id
		}
	}
	return ""
}

func machinesIn(body []byte) string {
	var configured []struct {
		VMID string `json:"vm_id"`
	}
	if json.Unmarshal(body, &configured) != nil {
		return ""
	}
	var ids []string
	for _, c := range configured {
		ids = append(ids, c.VMID)
	}
	return strings.Join(ids, ",")
}
