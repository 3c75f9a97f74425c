package unitrendstest

import (
	"crypto/rand"
	"strings"
)

// freshToken makes the token of a session. Like the one in the wiki's samples it has characters that clients
// get wrong: underscore, brackets and the ampersand.
func freshToken() string { return strings.ToLower(rand.Text()) + "_)(&+" + rand.Text() }
