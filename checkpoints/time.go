package checkpoints

import (
	"bytes"
	"fmt"
	"net/url"
	"time"
)

// Time is a point in time. The service spells it in four ways, with a zone or without, which is UTC then. The zero
// Time means "none".
type Time struct{ time.Time }

// TimeOf returns t as a Time, in UTC. Queries take it to the second.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC()}
}

// MarshalJSON writes the time in UTC, as in 2020-02-23T01:00:32Z, and null for the zero Time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.UTC().AppendFormat(nil, `"`+time.RFC3339Nano+`"`), nil
}

// UnmarshalJSON reads 2020-02-05T10:38:34.209782, 2019-05-10T07:59:12.733+00:00, 2020-02-23T01:00:32Z and
// 2020-01-08 09:59:49. A zone counts; without one it is UTC. Empty text and null read as the zero Time.
func (t *Time) UnmarshalJSON(data []byte) error {
	text := bytes.Trim(bytes.TrimSpace(data), `"`)
	if len(text) == 0 || bytes.Equal(text, []byte("null")) {
		*t = Time{}
		return nil
	}
	const date, longest = len("2006-01-02"), 48
	var space [longest]byte
	spelled := append(space[:0], text...)
	if len(text) > date+1 && len(text) < longest {
		if text[date] == ' ' {
			spelled[date] = 'T'
		}
		if !bytes.ContainsAny(text[date:], "Zz+-") {
			spelled = append(spelled, 'Z')
		}
	}
	var read time.Time
	if err := read.UnmarshalText(spelled); err != nil {
		return fmt.Errorf("%q is not a time", text)
	}
	*t = Time{read.UTC()}
	return nil
}

// EncodeValues writes the time to a query, in UTC and to the second, and nothing for the zero Time. It serves
// github.com/google/go-querystring.
func (t Time) EncodeValues(key string, values *url.Values) error {
	if !t.IsZero() {
		values.Add(key, t.UTC().Format("2006-01-02T15:04:05Z"))
	}
	return nil
}
