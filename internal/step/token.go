package step

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Token names a task so that another process can wait for it. It holds no secret.
type Token struct {
	Service     string `json:"service"`   // package of the client, as in "vcav"
	Appliance   string `json:"appliance"` // identity of the appliance, and not its address: names move in a disaster
	Site        string `json:"site,omitzero"`
	Operation   string `json:"operation"` // that has started the task, as in "VMReplications.Failover"
	OperationID string `json:"operationId,omitzero"`
	Task        string `json:"task"`
	User        string `json:"user"` // who may see the task
}

// The text of a token is this prefix with the version, and the members as JSON in base64.
const (
	prefix  = "drkit."
	version = "1."
)

// String returns the token as text of letters, digits, dots, dashes and underscores.
func (t Token) String() string {
	data, _ := json.Marshal(t) // strings alone: it cannot fail
	return prefix + version + base64.RawURLEncoding.EncodeToString(data)
}

// About reads the task of a token that says more of the work than an id, in JSON.
func (t Token) About(work any) error {
	if err := json.Unmarshal([]byte(t.Task), work); err != nil {
		return fmt.Errorf("it does not say what to look for: %w", err)
	}
	return nil
}

// ParseToken reads what String has written.
func ParseToken(text string) (Token, error) {
	rest, ours := strings.CutPrefix(strings.TrimSpace(text), prefix)
	if !ours {
		return Token{}, errors.New("not a resume token of drkit")
	}
	encoded, known := strings.CutPrefix(rest, version)
	if !known {
		return Token{}, errors.New("a resume token of another version of drkit")
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return Token{}, errors.New("a damaged resume token: not base64")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var token Token
	if err := decoder.Decode(&token); err != nil || decoder.InputOffset() != int64(len(data)) {
		return Token{}, errors.New("a damaged resume token: its members cannot be read")
	}
	for _, member := range []struct{ name, value string }{
		{"service", token.Service},
		{"appliance", token.Appliance},
		{"operation", token.Operation},
		{"task", token.Task},
		{"user", token.User},
	} {
		if member.value == "" {
			return Token{}, fmt.Errorf("a damaged resume token: it has no %s", member.name)
		}
	}
	return token, nil
}
