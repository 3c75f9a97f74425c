package checkpoints

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Text is text that the service also writes as a number, as it does with identifiers of enterprise projects.
type Text string

// UnmarshalJSON reads text or a number, and a truth value as its word; null reads as nothing.
func (t *Text) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0 || bytes.Equal(data, []byte("null")):
		*t = ""
		return nil
	case data[0] == '"':
		var text string
		err := json.Unmarshal(data, &text)
		*t = Text(text)
		return err
	case data[0] == '{' || data[0] == '[':
		return fmt.Errorf("%.20s… is neither text nor a number", data)
	default:
		*t = Text(data)
		return nil
	}
}

// Number is a whole number that the service also writes as text.
type Number int64

// UnmarshalJSON reads a number, also one with a fraction of nothing, or text that holds one. Empty text and null
// read as 0.
func (n *Number) UnmarshalJSON(data []byte) error {
	text := strings.TrimSpace(strings.Trim(string(bytes.TrimSpace(data)), `"`))
	if text == "" || text == "null" {
		*n = 0
		return nil
	}
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		*n = Number(whole)
		return nil
	}
	number, err := strconv.ParseFloat(text, 64)
	const exact = 1 << 53
	if err != nil || number != number || number < -exact || number > exact || number != float64(int64(number)) {
		return fmt.Errorf("%q is not a whole number", text)
	}
	*n = Number(number)
	return nil
}

// Flag is a truth value that the service also writes as text.
type Flag bool

// UnmarshalJSON reads true and false, as they are or as text in any case. Empty text and null read as false.
func (f *Flag) UnmarshalJSON(data []byte) error {
	text := strings.TrimSpace(strings.Trim(string(bytes.TrimSpace(data)), `"`))
	if text == "" || text == "null" {
		*f = false
		return nil
	}
	truth, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return fmt.Errorf("%q is neither true nor false", text)
	}
	*f = Flag(truth)
	return nil
}

// TagTexts are the values of a key. The service writes a list, and its guide says text.
type TagTexts []string

// UnmarshalJSON reads a list, or text, at whose commas it is cut: values have none. Null and empty text read as none.
func (t *TagTexts) UnmarshalJSON(data []byte) error {
	*t = nil
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[]string)(t))
	}
	var text Text
	if err := text.UnmarshalJSON(data); err != nil || text == "" {
		return err
	}
	*t = strings.Split(string(text), ",")
	return nil
}

// ResourceDetail is the vault that was found by its tags, as a list of one.
type ResourceDetail []Vault

// UnmarshalJSON reads a list of vaults, an object that holds one as vault, or the vault itself; null and an empty
// object read as none.
func (r *ResourceDetail) UnmarshalJSON(data []byte) error {
	*r = nil
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[]Vault)(r))
	}
	var detail struct {
		Vault *Vault
		ID    string
	}
	if err := json.Unmarshal(data, &detail); err != nil {
		return err
	}
	switch {
	case detail.Vault != nil:
		*r = ResourceDetail{*detail.Vault}
	case detail.ID != "":
		var vault Vault
		if err := json.Unmarshal(data, &vault); err != nil {
			return err
		}
		*r = ResourceDetail{vault}
	}
	return nil
}

// SortField is a place in the order of a list: the name of a member and a direction. [Asc] and [Desc] make one.
type SortField string

// Asc sorts by a member, the lowest value first, as in Asc("created_at") for the oldest.
func Asc(member string) SortField { return SortField(member + ":asc") }

// Desc sorts by a member, the highest value first, as in Desc("created_at") for the latest.
func Desc(member string) SortField { return SortField(member + ":desc") }
