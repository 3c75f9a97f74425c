package unitrends

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/drkit-go/drkit/internal/transport"
)

// Result is what the service says of a request: of one that it has done, warnings and the identifiers of what came
// to be, and often nothing at all; of one that it has refused, why. The errors of this package hold it in
// Message, Code and Args.
//
// Source: Unitrends API wiki, "Result format".
type Result []ResultDetail

// UnmarshalJSON reads one or several details, each an object or mere text.
func (r *Result) UnmarshalJSON(data []byte) error {
	var details rows[saidDetail]
	if err := details.UnmarshalJSON(data); err != nil {
		return err
	}
	*r = nil
	for _, detail := range details.all {
		*r = append(*r, detail.ResultDetail)
	}
	return nil
}

// changed is what a change answers: a result in its envelope, or without it, or nothing.
type changed struct{ Result Result }

// UnmarshalJSON reads the result.
func (c *changed) UnmarshalJSON(data []byte) error {
	type envelope changed
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return json.Unmarshal(data, (*envelope)(c))
	}
	return c.Result.UnmarshalJSON(data)
}

// String returns the messages and links of all details on one line.
func (r Result) String() string {
	texts := make([]string, len(r))
	for i, detail := range r {
		texts[i] = detail.String()
	}
	return strings.Join(texts, "; ")
}

// String returns message and link on one line, and the whole detail as JSON where it has no message.
func (d ResultDetail) String() string {
	link := d.link()
	switch {
	case d.Message != "" && link != "":
		return d.Message + " " + link
	case d.Message != "":
		return d.Message
	default:
		text, _ := json.Marshal(d)
		return string(text)
	}
}

// link returns the link to the knowledge base, by whatever name it comes: none is documented.
func (d ResultDetail) link() string {
	if d.Link != "" {
		return d.Link
	}
	for _, name := range slices.Sorted(maps.Keys(d.Extra)) {
		var text string
		if json.Unmarshal(d.Extra[name], &text) == nil && (strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")) {
			return text
		}
	}
	return ""
}

// saidDetail reads a detail that may be mere text.
type saidDetail struct{ ResultDetail }

// UnmarshalJSON reads an object, or text as its message.
func (d *saidDetail) UnmarshalJSON(data []byte) error {
	d.ResultDetail = ResultDetail{}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return transport.Unmarshal(data, &d.ResultDetail)
	}
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	d.Message = text
	return nil
}

// decodeError reads the result that an error answer has.
func decodeError(_ int, body []byte) (transport.ServiceError, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return transport.ServiceError{}, false
	}
	said, there := members["result"]
	var result Result
	if !there || result.UnmarshalJSON(said) != nil {
		return transport.ServiceError{Message: shortened(body)}, false
	}
	refusal := transport.ServiceError{Message: result.String(), Args: result.args()}
	for _, detail := range result {
		if refusal.Code == "" && detail.Code != "0" {
			refusal.Code = string(detail.Code)
		}
	}
	if refusal.Message == "" {
		refusal.Message = shortened(body)
	}
	return refusal, true
}

// args lists the members of a result that are not documented, as name=value.
func (r Result) args() []string {
	var args []string
	for _, detail := range r {
		for _, name := range slices.Sorted(maps.Keys(detail.Extra)) {
			args = append(args, name+"="+string(detail.Extra[name]))
		}
	}
	return args
}

// mostShown is how much of an answer that is not understood goes into an error.
const mostShown = 500 // bytes

func shortened(body []byte) string {
	if len(body) > mostShown {
		return strings.ToValidUTF8(string(body[:mostShown]), "") + "…"
	}
	return string(body)
}

// rows are a list as it stands in its envelope: an array, its only element, or null for none.
type rows[T any] struct {
	all   []T
	there bool
}

// UnmarshalJSON reads the list.
func (r *rows[T]) UnmarshalJSON(data []byte) error {
	*r = rows[T]{there: true}
	switch data = bytes.TrimSpace(data); {
	case bytes.HasPrefix(data, []byte("[")):
		return json.Unmarshal(data, &r.all)
	case bytes.Equal(data, []byte("null")):
		return nil
	default:
		r.all = make([]T, 1)
		return json.Unmarshal(data, &r.all[0])
	}
}

// in returns a check that a list is in its envelope.
func (r *rows[T]) in(envelope string) func() error {
	return func() error {
		if !r.there {
			return errors.New("an answer without " + envelope)
		}
		return nil
	}
}

// virtualClients are machines in the envelope of their hypervisor, or without it.
type virtualClients struct{ rows[VirtualClient] }

// UnmarshalJSON opens the envelope.
func (v *virtualClients) UnmarshalJSON(data []byte) error {
	var envelope struct{ Data rows[VirtualClient] }
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		if err := json.Unmarshal(data, &envelope); err != nil || envelope.Data.there {
			v.rows = envelope.Data
			return err
		}
	}
	return v.rows.UnmarshalJSON(data)
}
