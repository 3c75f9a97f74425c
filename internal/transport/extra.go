package transport

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
)

// WithExtra writes an object and, after its own members, those of extra that its schema does not list.
func WithExtra(object any, extra map[string]json.RawMessage, schema api.Schema) ([]byte, error) {
	data, err := json.Marshal(object)
	if err != nil || len(extra) == 0 {
		return data, err
	}
	extra = maps.Clone(extra)
	maps.DeleteFunc(extra, listedIn(schema))
	if len(extra) == 0 {
		return data, nil
	}
	more, err := json.Marshal(extra)
	switch {
	case err != nil:
		return nil, err
	case len(data) == len("{}"):
		return more, nil
	default:
		return append(append(data[:len(data)-1], ','), more[1:]...), nil
	}
}

// Extra reads an object, and returns the members that its schema does not list; nil if there are none.
func Extra(data []byte, object any, schema api.Schema) (map[string]json.RawMessage, error) {
	if err := json.Unmarshal(data, object); err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, listedIn(schema))
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// listedIn reports whether a schema lists a member. Case does not matter, as it does not to encoding/json.
func listedIn(schema api.Schema) func(name string, _ json.RawMessage) bool {
	return func(name string, _ json.RawMessage) bool {
		for _, member := range schema.Members {
			if strings.EqualFold(member.Name, name) {
				return true
			}
		}
		return false
	}
}
