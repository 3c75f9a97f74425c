package drkit

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret holds a password, a token or a one-time code, and prints as "[redacted]" in every format verb,
// log record and JSON document, also inside other structs. The zero Secret is empty.
type Secret struct {
	// A pointer: fmt cannot call methods on unexported fields, but prints a nested pointer as an address.
	value *string
}

// NewSecret returns a Secret that holds value.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal returns the value.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the Secret is empty.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (s Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]". JSON documents get it, too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes a value. What MarshalText has written leaves the Secret empty, since the value is not in it.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret{}
	if string(text) != redacted {
		*s = NewSecret(string(text))
	}
	return nil
}
