package transport

import (
	"encoding/json"

	"github.com/drkit-go/drkit/internal/api"
)

// Codec is how a service writes the bodies of requests, and reads those of answers. The zero Codec is JSON.
type Codec struct {
	MediaType string // of what is sent
	Encode    func(operation *api.Operation, body any) ([]byte, error)
	// Decode reads an answer. It refuses one that is nothing, such as null.
	Decode func(data []byte, out any) error
	// Redact hides what an answer says of secrets, whether the answer is whole or not. [HoldsSecret] knows the
	// names of members that do.
	Redact func(data []byte) []byte
}

// orJSON returns the codec, or that of JSON.
func (c Codec) orJSON(loose looseness) Codec {
	if c.MediaType != "" {
		return c
	}
	return Codec{
		MediaType: "application/json",
		Encode:    func(_ *api.Operation, body any) ([]byte, error) { return json.Marshal(body) },
		Decode:    func(data []byte, out any) error { return unmarshal(data, out, loose) },
		Redact:    RedactJSON,
	}
}
