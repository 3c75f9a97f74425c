package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	mostLinkedModules = 6  // that a program which imports a client is built from, drkit included
	mostGraphModules  = 20 // that its go command has to know, test dependencies of drkit included
)

// eachImporter runs a test in a user's module that imports one client, for each of them.
func eachImporter(t *testing.T, test func(t *testing.T, service, dir string)) {
	t.Helper()
	for _, service := range services {
		if !exists(service + "/client.go") {
			continue // no session has built it yet
		}
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			test(t, service, newImporter(t, "package main\n\nimport _ \""+module+"/"+service+"\"\n\nfunc main() {}\n"))
		})
	}
}

func TestImporterLinksFewModules(t *testing.T) {
	t.Parallel()
	eachImporter(t, func(t *testing.T, service, dir string) {
		for _, system := range []string{"linux", "windows", "darwin"} {
			listed := goCommand(t, dir, system, "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", module+"/"+service)
			linked := distinct(listed)
			t.Logf("%s: %d modules linked: %s", system, len(linked), strings.Join(linked, " "))
			assert.Contains(t, linked, module)
			assert.LessOrEqual(t, len(linked), mostLinkedModules)
		}
	})
}

func TestImporterHasASmallModuleGraph(t *testing.T) {
	t.Parallel()
	eachImporter(t, func(t *testing.T, _, dir string) {
		graph := distinct(goCommand(t, dir, runtime.GOOS, "list", "-m", "-f", "{{if not .Main}}{{.Path}}{{end}}", "all"))
		t.Logf("%d modules in the graph: %s", len(graph), strings.Join(graph, " "))
		assert.Contains(t, graph, module)
		assert.LessOrEqual(t, len(graph), mostGraphModules)
	})
}

// newImporter makes a user's module that holds one program and builds it against this checkout, and
// returns its folder. Its go.mod then lists what the program needs, as go mod tidy would have it.
func newImporter(t *testing.T, program string) string {
	t.Helper()
	require.True(t, exists("vcav/client.go"), "there is no client yet") // nor would a registry have it
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	readAllOf(t)

	dir := t.TempDir()
	mod := "module example.com/importer\n\ngo 1.25.0\n\n" +
		"require " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n"
	for name, text := range map[string]string{"go.mod": mod, "go.sum": string(sums), "main.go": program} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	goCommand(t, dir, runtime.GOOS, "build", "-mod=mod", "-o", filepath.Join(dir, "program"), ".")
	return dir
}

// readAllOf reads what the go command is going to read: go test runs a test again only when a file that
// the test itself opened has changed.
func readAllOf(t *testing.T) {
	t.Helper()
	goFiles(t)
	_, err := os.ReadFile(filepath.Join(checkout, "go.mod"))
	require.NoError(t, err)
}

// goCommand runs the go command in a folder for an operating system, and returns what it printed.
func goCommand(t *testing.T, dir, system string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", arguments...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOWORK=off", "GOOS="+system)
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	require.NoErrorf(t, err, "go %s\n%s", strings.Join(arguments, " "), complaints.String())
	return string(out)
}

// distinct returns the words of a text in order, each once.
func distinct(text string) []string {
	words := strings.Fields(text)
	slices.Sort(words)
	return slices.Compact(words)
}
