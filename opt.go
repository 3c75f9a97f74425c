package drkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/google/go-querystring/query"
)

// Opt is an optional member of a request that can be absent, null or a value, because a service treats
// the three differently: absent keeps what is there, null clears it, a value sets it. The zero Opt is
// absent. It is safe to copy.
type Opt[T any] struct {
	value T
	state optState
}

type optState uint8

const (
	absent optState = iota
	null
	present
)

// Some returns an Opt that holds v, also where v is a zero value such as false or 0.
func Some[T any](v T) Opt[T] { return Opt[T]{value: v, state: present} }

// Null returns an Opt that is sent as null.
func Null[T any]() Opt[T] { return Opt[T]{state: null} }

// Get returns the value and true, or the zero value and false where o is absent or null.
func (o Opt[T]) Get() (T, bool) { return o.value, o.state == present }

// Or returns the value, or other where o is absent or null.
func (o Opt[T]) Or(other T) T {
	if o.state == present {
		return o.value
	}
	return other
}

// IsNull reports whether o is an explicit null.
func (o Opt[T]) IsNull() bool { return o.state == null }

// IsZero reports whether o is absent. It makes encoding/json leave out members tagged omitzero.
func (o Opt[T]) IsZero() bool { return o.state == absent }

// String returns the value as fmt prints it, or "absent" or "null".
func (o Opt[T]) String() string {
	switch o.state {
	case present:
		return fmt.Sprint(o.value)
	case null:
		return "null"
	default:
		return "absent"
	}
}

// MarshalJSON writes the value, or null. An absent Opt is written as null where its member is not
// tagged omitzero.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if o.state != present {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON reads a value or null. A member that is not there leaves o absent.
func (o *Opt[T]) UnmarshalJSON(data []byte) error {
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		*o = Null[T]()
		return nil
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*o = Some(v)
	return nil
}

// EncodeValues writes the value to a query, and nothing where o is absent or null. It serves
// github.com/google/go-querystring.
func (o Opt[T]) EncodeValues(key string, values *url.Values) error {
	if o.state != present {
		return nil
	}
	if own, ok := any(o.value).(interface {
		EncodeValues(string, *url.Values) error
	}); ok {
		return own.EncodeValues(key, values)
	}
	plain, err := query.Values(struct {
		V T `url:"v"`
	}{o.value})
	if err != nil {
		return err
	}
	for _, v := range plain["v"] {
		values.Add(key, v)
	}
	return nil
}
