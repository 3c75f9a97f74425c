package house

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// leaves import nothing of the module, so that everyone may import them.
var leaves = []string{"internal/api", "internal/settings", "internal/step", "internal/watch"}

// mayImport returns the folders of the module that a folder may import from. A folder that it does not
// know needs a rule before it can have code.
func mayImport(dir string) (folders []string, known bool) {
	service := serviceOf(dir)
	switch {
	case dir == "":
		return []string{"internal/settings", "internal/step", "internal/watch"}, true
	case slices.Contains(leaves, dir), dir == "internal/house", dir == "replication":
		return nil, true
	case within(dir, "internal/transport", "internal/taskwait", "internal/simkit"):
		return append([]string{"", dir}, leaves...), true
	case dir == "internal/wiretest":
		return []string{"internal/api", "internal/simkit"}, true
	case dir == "internal/crashtest":
		return []string{""}, true
	case dir == "internal/faulttest":
		return []string{"", "internal/simkit"}, true
	case service != "" && dir == service+"/internal/contract":
		return []string{"internal/api"}, true
	case service != "" && isSimulator(dir):
		return []string{"", "internal/api", "internal/simkit", service + "/internal/contract", simulatorOf(service)}, true
	case dir == "checkpoints/clouds":
		return []string{"", "checkpoints"}, true
	case service != "":
		return append([]string{"", "internal/transport", "internal/taskwait", service + "/internal"}, leaves...), true
	case within(dir, "examples"):
		return append([]string{"", "examples"}, services...), true
	default:
		return nil, false
	}
}

// serviceOf returns the service that a folder belongs to, or nothing.
func serviceOf(dir string) string {
	for _, service := range services {
		if within(dir, service) {
			return service
		}
	}
	return ""
}

// simulatorOf returns the folder of a service's simulator.
func simulatorOf(service string) string { return service + "/" + path.Base(service) + "test" }

func isSimulator(dir string) bool {
	service := serviceOf(dir)
	return service != "" && within(dir, simulatorOf(service))
}

// breach says which import rule an import breaks, or nothing.
func breach(from, to string) string {
	folders, known := mayImport(from)
	switch {
	case !known:
		return "the folder has no import rule yet: add one to mayImport"
	case slices.Contains(folders, to):
		return ""
	}
	for _, folder := range folders {
		// The root's entry opens the root alone, and a service's entry does not open its insides.
		inside := slices.Contains(services, folder) && within(to, folder+"/internal")
		if folder != "" && within(to, folder) && !inside {
			return ""
		}
	}
	return "the folder may not import that one"
}

func TestImportsFollowTheHouse(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if file.isTest() || file.isTool() {
			continue
		}
		if _, known := mayImport(file.dir); !known {
			assert.Failf(t, "no rule", "%s: add a rule for this folder to mayImport", file.path)
		}
		for _, imported := range file.imports() {
			to, own := strings.CutPrefix(imported+"/", module+"/")
			if !own {
				continue
			}
			if broken := breach(file.dir, strings.TrimSuffix(to, "/")); broken != "" {
				assert.Failf(t, "import", "%s imports %s: %s", file.path, imported, broken)
			}
		}
	}
}

func TestImportRulesBite(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"", "internal/transport"},
		{"internal/settings", ""},
		{"internal/api", "internal/settings"},
		{"internal/transport", "vcav"},
		{"internal/simkit", "internal/transport"},
		{"vcav", "checkpoints"},
		{"vcav", "vcav/vcavtest"},
		{"checkpoints", "checkpoints/clouds"},
		{"vcav", "internal/simkit"},
		{"vcav/internal/contract", "vcav"},
		{"vcav/vcavtest", "vcav"},
		{"vcav/vcavtest", "internal/transport"},
		{"replication/vsphere/vspheretest", "replication/vsphere"},
		{"examples/quickstart", "internal/transport"},
		{"examples/quickstart", "vcav/internal/contract"},
		{"somewhere", ""},
	} {
		assert.NotEmpty(t, breach(pair[0], pair[1]), "%s imports %s", pair[0], pair[1])
	}
	for _, pair := range [][2]string{
		{"", "internal/settings"},
		{"internal/transport", ""},
		{"vcav", "internal/transport"},
		{"vcav", "vcav/internal/contract"},
		{"vcav/vcavtest", "vcav/internal/contract"},
		{"checkpoints/clouds", "checkpoints"},
		{"vcav/vcavtest", "internal/simkit"},
		{"examples/quickstart", "vcav/vcavtest"},
		{"examples/quickstart", ""},
		{"examples/quickstart", "examples/internal/table"},
	} {
		assert.Empty(t, breach(pair[0], pair[1]), "%s imports %s", pair[0], pair[1])
	}
}
