package unitrends

import (
	"encoding/json"
	"strconv"
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
