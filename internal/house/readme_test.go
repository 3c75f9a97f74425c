package house

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A block is a fenced piece of a page.
type block struct {
	language string
	line     int // of the page, counted from 1
	text     string
}

func TestReadmeNamesItsTwoCommands(t *testing.T) {
	t.Parallel()
	var commands []string
	for _, block := range blocksOf(t, "README.md") {
		if block.language == "sh" {
			commands = append(commands, strings.Split(block.text, "\n")...)
		}
	}
	assert.Contains(t, commands, "go run ./examples/quickstart")
	assert.Contains(t, commands, "go test ./...")
}

// A whole program is built as a user would build it, in a module of its own.
func TestReadmeProgramsBuild(t *testing.T) {
	t.Parallel()
	programs := 0
	for _, block := range blocksOf(t, "README.md") {
		if block.language == "go" && isProgram(block) {
			programs++
			assert.NotContains(t, block.text, "/internal/")
			newImporter(t, block.text)
		}
	}
	assert.Positive(t, programs, "the README shows no program")
}

// A piece of code stands, line for line, in a test or an example, where go test compiles it. Only the
// indentation may differ.
func TestReadmePiecesStandInTests(t *testing.T) {
	t.Parallel()
	var compiled []string
	for _, file := range goFiles(t) {
		if file.module == "" && (file.isTest() || within(file.dir, "examples")) && file.dir != "internal/house" {
			compiled = append(compiled, "\n"+flush(file.text)+"\n")
		}
	}
	for _, block := range blocksOf(t, "README.md") {
		if block.language != "go" || isProgram(block) {
			continue
		}
		piece := "\n" + flush(block.text) + "\n"
		found := false
		for _, text := range compiled {
			found = found || strings.Contains(text, piece)
		}
		assert.Truef(t, found, "README.md:%d: no *_test.go and no example holds these lines:\n%s", block.line, block.text)
	}
}

func TestLinksOfPagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	for _, page := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} {
		text, err := os.ReadFile(filepath.Join(checkout, page))
		require.NoError(t, err)
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			if target := match[1]; !strings.Contains(target, "://") {
				assert.Truef(t, exists(path.Clean(target)), "%s: %s is not there", page, target)
			}
		}
	}
}

func isProgram(block block) bool { return strings.HasPrefix(block.text, "package main\n") }

// blocksOf returns the fenced blocks of a page.
func blocksOf(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(checkout, page))
	require.NoError(t, err)

	var blocks []block
	var open *block
	for i, line := range strings.Split(string(text), "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{language: language, line: i + 1}
		case fence:
			open.text = strings.TrimSuffix(open.text, "\n")
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	require.Nilf(t, open, "%s: a fence is left open", page)
	return blocks
}

// flush returns a text without what begins and ends its lines in white space.
func flush(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
