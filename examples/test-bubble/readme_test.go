package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every command that the README shows is one that the program understands.
func TestCommandsOfTheReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	commands := 0
	for line := range strings.Lines(string(text)) {
		command, _, _ := strings.Cut(line, "#")
		words := strings.Fields(command)
		switch {
		case len(words) > 0 && words[0] == "test-bubble":
		case len(words) > 2 && strings.HasPrefix(line, "go run ./examples/test-bubble"):
			words = words[2:]
		default:
			continue
		}
		commands++
		_, err := parse(words[1:], io.Discard)
		require.NoError(t, err, line)
	}
	assert.Equal(t, 5, commands)
	assert.Less(t, strings.Count(string(text), "\n"), 30, "it is read by people")
}
