package unitrends

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// ID is an identifier. The service writes the same identifier as a number here and as text there; both read as
// an ID, and one that is a whole number is sent as a number.
type ID string

// MarshalJSON writes a number where the identifier is one, and text otherwise.
func (id ID) MarshalJSON() ([]byte, error) {
	if n, err := strconv.ParseInt(string(id), 10, 64); err == nil && strconv.FormatInt(n, 10) == string(id) {
		return []byte(id), nil
	}
	return json.Marshal(string(id))
}

// UnmarshalJSON reads a number or text; null reads as no identifier.
func (id *ID) UnmarshalJSON(data []byte) error {
	var text *string
	if err := json.Unmarshal(data, &text); err == nil {
		*id = ""
		if text != nil {
			*id = ID(*text)
		}
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return err
	}
	*id = ID(number)
	return nil
}

// Date is a day as the service takes it in queries, MM/DD/YYYY, in the appliance's own zone. [DateOf] makes one.
type Date string

// DateOf returns the day of a time, in the zone that t is in: the appliance reads it in its own.
func DateOf(t time.Time) Date { return Date(t.Format("01/02/2006")) }

// UnmarshalJSON reads a strategy. The settings spell one of them "Maximum Retention", which the queue calls
// [StrategyMaximizeRetention].
func (s *Strategy) UnmarshalJSON(data []byte) error {
	type text Strategy
	var read text
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*s = Strategy(read)
	if *s == "Maximum Retention" {
		*s = StrategyMaximizeRetention
	}
	return nil
}

// Replicates reports whether a system is a source whose copies come to this appliance. Its role says so, in
// words that differ between the pages of the wiki.
func (s System) Replicates() bool {
	role := strings.ToLower(string(s.Role))
	return !s.IsPending && (strings.Contains(role, "replication source") || strings.Contains(role, "replicating source"))
}

// Percent returns how far a job is, 0 to 100, and 0 where its text says nothing of the kind.
func (j Job) Percent() int {
	digits := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(j.PercentComplete), "%"))
	percent, err := strconv.ParseFloat(digits, 64)
	if err != nil || percent != percent {
		return 0
	}
	return int(max(0, min(percent, 100)))
}

// idIn returns the identifier that a member is, text or a number, and none for others.
func idIn(member json.RawMessage) ID {
	var id ID
	_ = json.Unmarshal(member, &id) // what cannot be read leaves it empty
	return id
}

// fingerprint tells values apart that have no identifier.
func fingerprint(value any) string {
	data, _ := json.Marshal(value) // it was decoded from JSON
	sum := fnv.New64a()
	_, _ = sum.Write(data)
	return fmt.Sprintf("%016x", sum.Sum64())
}
