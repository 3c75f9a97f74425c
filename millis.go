package drkit

import (
	"bytes"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Millis is a time that travels as milliseconds since 1970-01-01 UTC. The zero Millis means "none" and
// is written as -1, which is also how services write a time that has not come yet; null and -1 both
// read as the zero Millis.
type Millis struct{ time.Time }

// MillisOf returns t as a Millis, cut to whole milliseconds and in UTC.
func MillisOf(t time.Time) Millis {
	if t.IsZero() {
		return Millis{}
	}
	return Millis{time.UnixMilli(t.UnixMilli()).UTC()}
}

// MarshalJSON writes whole milliseconds, or -1 for the zero Millis.
func (m Millis) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, m.millis(), 10), nil }

// UnmarshalJSON reads a number, also one with a fraction or in quotes; null and -1 read as zero.
func (m *Millis) UnmarshalJSON(data []byte) error {
	data = bytes.Trim(bytes.TrimSpace(data), `"`)
	if len(data) == 0 || bytes.Equal(data, []byte("null")) {
		*m = Millis{}
		return nil
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(string(data), 64)
		if ferr != nil || f != f || f < -9.2e18 || f > 9.2e18 {
			return fmt.Errorf("milliseconds since 1970: %q is not a number", data)
		}
		n = int64(f)
	}
	if n == -1 {
		*m = Millis{}
		return nil
	}
	*m = Millis{time.UnixMilli(n).UTC()}
	return nil
}

// EncodeValues writes whole milliseconds to a query, and nothing for the zero Millis. It serves
// github.com/google/go-querystring.
func (m Millis) EncodeValues(key string, values *url.Values) error {
	if !m.IsZero() {
		values.Add(key, strconv.FormatInt(m.millis(), 10))
	}
	return nil
}

func (m Millis) millis() int64 {
	if m.IsZero() {
		return -1
	}
	return m.UnixMilli()
}
