package house

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const longestFile = 500 // lines

func TestHandWrittenFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if lines := strings.Count(file.text, "\n"); !file.isGenerated() {
			assert.LessOrEqualf(t, lines, longestFile, "%s has %d lines", file.path, lines)
		}
	}
}

func TestGeneratedFilesAreNamedSo(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		named := strings.HasPrefix(path.Base(file.path), "zz_generated")
		assert.Equalf(t, file.isGenerated(), named,
			"%s: a generated file, and no other, is called zz_generated… and says so in its first line", file.path)
	}
}

// A program that go build has left in its folder goes into the history with the next git add, and stays there.
func TestNoCompiledPrograms(t *testing.T) {
	t.Parallel()
	const largest = 1 << 20 // bytes, of which the longest contract takes a fifth
	require.NoError(t, filepath.WalkDir(checkout, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == checkout {
			return err
		}
		if strings.HasPrefix(entry.Name(), ".") && entry.IsDir() {
			return filepath.SkipDir
		}
		info, err := entry.Info()
		if err == nil && !entry.IsDir() {
			assert.LessOrEqualf(t, info.Size(), int64(largest), "%s is no source", name)
		}
		return err
	}))
}

func TestTopLevelFolders(t *testing.T) {
	t.Parallel()
	allowed := []string{"vcav", "replication", "checkpoints", "cloudreplica", "internal", "examples", "testdata"}
	entries, err := os.ReadDir(checkout)
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			assert.Containsf(t, allowed, entry.Name(), "a new folder at the top is a matter for the design")
		}
	}
}

// Whoever knows one service knows all.
func TestServicesLookAlike(t *testing.T) {
	t.Parallel()
	for _, service := range services {
		for _, name := range []string{
			service + "/doc.go",
			service + "/openapi.yaml",
			service + "/client.go",
			service + "/internal/contract",
			simulatorOf(service),
			"testdata/" + path.Base(service),
		} {
			assert.Truef(t, exists(name), "%s is missing", name)
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(checkout, name))
	return err == nil
}
