package house

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A scope says which folders, and which single files besides, may import some packages. Tests, simulators
// and generated files always may.
type scope struct {
	packages []string
	open     func(dir string) bool
	files    map[string]string // path to reason
}

// Calls reach the network in one place, so that what is promised of one holds for all. The root has
// options and header types.
var httpScope = scope{
	packages: []string{"net/http", "net/http/httptest", "net/http/httptrace", "net/http/httputil"},
	open: func(dir string) bool {
		return slices.Contains([]string{"", "internal/settings", "internal/transport", "internal/simkit", "internal/wiretest", "internal/faulttest", "internal/crashtest"}, dir)
	},
	files: map[string]string{
		"checkpoints/sign.go":         "signs requests",
		"examples/quickstart/main.go": "counts its requests with a middleware, which is a user's RoundTripper",
	},
}

// A resource file says what is called, never how it is encoded.
var jsonScope = scope{
	packages: []string{"encoding/json"},
	open:     func(dir string) bool { return serviceOf(dir) == "" },
	files: map[string]string{
		"checkpoints/errors.go":   "reads the error answers of the service, the gateway and the identity service",
		"checkpoints/features.go": "hands on values of any kind",
		"checkpoints/resume.go":   "writes what a resume token holds",
		"checkpoints/values.go":   "reads values in all their spellings",
		"checkpoints/warnings.go": "writes outcomes into the warnings of errors, and reads them there",

		"cloudreplica/internal/wire/json.go":    "leaves the syntax of JSON to encoding/json",
		"cloudreplica/internal/wire/writers.go": "quotes texts in JSON",

		"replication/unitrends/result.go": "opens envelopes, and reads results in all their shapes",
		"cloudreplica/resume.go":          "writes what a resume token holds",
		"replication/unitrends/resume.go": "writes what a resume token holds",
		"replication/unitrends/values.go": "reads identifiers and other values in all their spellings",

		"replication/vsphere/errors.go": "reads the error answers of the service",
		"replication/vsphere/values.go": "reads values in all their spellings",

		"vcav/errors.go":      "reads the error answers of the service",
		"vcav/failover.go":    "writes the discriminator of a union",
		"vcav/health_json.go": "tells the three shapes of the health apart",
		"vcav/migrate.go":     "writes the discriminator of a union",
		"vcav/policy_json.go": "carries unknown members along",
		"vcav/task_rows.go":   "reads the table of a poll",
		"vcav/reconfigure.go": "writes the discriminator of a union",
		"vcav/start.go":       "writes the discriminators of unions",
	},
}

// One retry loop serves every call; a second one would not know the class of an operation.
var retryScope = scope{
	packages: []string{"github.com/hashicorp/go-retryablehttp"},
	open:     func(dir string) bool { return dir == "internal/transport" },
}

// Only those who read the files of OpenStack's tools link YAML.
var yamlScope = scope{
	packages: []string{"gopkg.in/yaml.v3"},
	open:     func(dir string) bool { return dir == "checkpoints/clouds" },
}

func TestOnlyCloudFilesTouchYAML(t *testing.T) {
	t.Parallel()
	holds(t, yamlScope)
}

func TestOnlyTheEngineTouchesHTTP(t *testing.T) {
	t.Parallel()
	holds(t, httpScope)
}

func TestOnlyWireFilesTouchJSON(t *testing.T) {
	t.Parallel()
	holds(t, jsonScope)
}

func TestOnlyTheEngineRetries(t *testing.T) {
	t.Parallel()
	holds(t, retryScope)
}

func holds(t *testing.T, rule scope) {
	t.Helper()
	used := map[string]bool{}
	for _, file := range goFiles(t) {
		if file.isTest() || file.isTool() || file.isGenerated() || isSimulator(file.dir) || rule.open(file.dir) {
			continue
		}
		for _, imported := range file.imports() {
			if slices.Contains(rule.packages, imported) {
				used[file.path] = true
				assert.Containsf(t, rule.files, file.path, "%s may not import %s", file.path, imported)
			}
		}
	}
	for name := range rule.files {
		assert.Truef(t, used[name], "%s no longer needs its exception: take it off the list", name)
	}
}
