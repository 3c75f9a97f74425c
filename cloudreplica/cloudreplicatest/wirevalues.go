package cloudreplicatest

import (
	"fmt"
	"strings"
	"time"
)

// never is how the service writes a time that there is none of.
const never = "1753-01-01T00:00:00Z"

// stamp writes a time with as many digits as it has, at most the seven of the service.
func stamp(at time.Time) string {
	return at.UTC().Truncate(100 * time.Nanosecond).Format("2006-01-02T15:04:05.9999999Z")
}

// stampOrNever writes a time, or what stands for none.
func stampOrNever(at time.Time) string {
	if at.IsZero() {
		return never
	}
	return stamp(at)
}

// stampOrNil is a time that is not set where there is none.
func stampOrNil(name string, at time.Time) property {
	if at.IsZero() {
		return property{name, nil}
	}
	return set(name, stamp(at))
}

// dates are the spellings in which the service takes times. Those without a zone are its own, which here is UTC.
var dates = []string{time.RFC3339Nano, "2006-01-02T15:04:05.9999999", "2006-01-02"}

// readDate reads a time.
func readDate(text string) (time.Time, error) {
	for _, layout := range dates {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no date and time", text)
}

// uidOf is an id as fields hold it.
func uidOf(kind, id string) string { return "urn:veeam:" + kind + ":" + id }

// idOf takes the id out of a UID of a kind, or returns nothing.
func idOf(kind, uid string) string {
	prefix := uidOf(kind, "")
	if len(uid) <= len(prefix) || !strings.EqualFold(uid[:len(prefix)], prefix) {
		return ""
	}
	return strings.ToLower(uid[len(prefix):])
}
