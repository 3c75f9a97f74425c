package cloudreplica

import (
	"fmt"
	"strings"
	"time"
)

// Time is a moment as the service writes it. Its zero value is none: the service leaves such a time out, or writes
// the year 1753.
type Time struct {
	time.Time
	// Zoneless is for a time that came without a zone: its day and hour are right, and whose they are is not
	// known. It is kept as if it were UTC, and written without a zone again.
	Zoneless bool
}

// At returns t as a Time.
func At(t time.Time) Time { return Time{Time: t.UTC()} }

const (
	lastNone = 1753 // the last year that stands for no time: SQL Server's calendar begins in it
	lastYear = 9999 // the last that can be written
)

const (
	zonelessLayout = "2006-01-02T15:04:05.9999999"
	writtenLayout  = zonelessLayout + "Z07:00" // .NET has seven digits
)

// UnmarshalText reads a time with a zone or without one, with up to nine digits of a second; nothing, and any time
// up to 1753, is the zero Time.
func (t *Time) UnmarshalText(text []byte) error {
	*t = Time{}
	written := strings.TrimSpace(string(text))
	if written == "" {
		return nil
	}
	moment, err := time.Parse(time.RFC3339, written)
	zoneless := false
	if err != nil {
		moment, err = time.Parse(zonelessLayout, written)
		zoneless = err == nil
	}
	moment = moment.UTC()
	if err != nil || moment.Year() > lastYear {
		return fmt.Errorf("%.40q is not a time", written)
	}
	if moment.Year() > lastNone {
		*t = Time{Time: moment, Zoneless: zoneless}
	}
	return nil
}

// MarshalText writes the time in UTC, or without a zone if it came without one; the zero Time is nothing.
func (t Time) MarshalText() ([]byte, error) {
	switch {
	case t.IsZero():
		return nil, nil
	case t.Zoneless:
		return []byte(t.Format(zonelessLayout)), nil
	default:
		return []byte(t.UTC().Format(writtenLayout)), nil
	}
}

// MarshalJSON writes what MarshalText does, in quotes, and null for the zero Time.
func (t Time) MarshalJSON() ([]byte, error) {
	text, err := t.MarshalText()
	if err != nil || text == nil {
		return []byte("null"), err
	}
	return []byte(`"` + string(text) + `"`), nil
}

// UnmarshalJSON reads what UnmarshalText does, or null.
func (t *Time) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = Time{}
		return nil
	}
	return t.UnmarshalText([]byte(strings.Trim(string(data), `"`)))
}
