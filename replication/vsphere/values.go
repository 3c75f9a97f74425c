package vsphere

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
)

// Time is a moment that the service writes as milliseconds since 1970-01-01 UTC or, in the first version of its
// API and for active images, as text. The zero Time is none: null, an empty text, 0 and -1 read as it.
type Time struct {
	time.Time
	// Text is what the service has written, where that was text. It stands alone, beside a zero Time, where it is
	// neither a number of milliseconds nor a date as in RFC 3339: no other format is documented.
	Text string
}

// IsZero reports whether there is neither a time nor a text.
func (t Time) IsZero() bool { return t.Time.IsZero() && t.Text == "" }

// String returns the time, or the text where the time is not known.
func (t Time) String() string {
	if t.Time.IsZero() {
		return t.Text
	}
	return t.Time.String()
}

// UnmarshalJSON reads a number, text or null.
func (t *Time) UnmarshalJSON(data []byte) error {
	*t = Time{}
	data = bytes.TrimSpace(data)
	if !bytes.HasPrefix(data, []byte(`"`)) {
		var millis drkit.Millis
		err := millis.UnmarshalJSON(data)
		t.Time = afterEpoch(millis.Time)
		return err
	}
	if err := json.Unmarshal(data, &t.Text); err != nil {
		return err
	}
	text := strings.TrimSpace(t.Text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		t.Time = afterEpoch(time.UnixMilli(n).UTC())
	} else if date, err := time.Parse(time.RFC3339, text); err == nil {
		t.Time = afterEpoch(date.UTC())
	}
	return nil
}

// afterEpoch takes the moment in which counting begins, and the one before it, for none.
func afterEpoch(moment time.Time) time.Time {
	if n := moment.UnixMilli(); n == 0 || n == -1 {
		return time.Time{}
	}
	return moment
}

// MarshalJSON writes text where there was text, and milliseconds otherwise, 0 for none.
func (t Time) MarshalJSON() ([]byte, error) {
	switch {
	case t.Text != "":
		return json.Marshal(t.Text)
	case t.Time.IsZero():
		return []byte("0"), nil
	default:
		return strconv.AppendInt(nil, t.UnixMilli(), 10), nil
	}
}

// written returns failures as the service writes them.
func written(failures []MetaError) []json.RawMessage {
	var all []json.RawMessage
	for _, failure := range failures {
		text, _ := json.Marshal(failure) // texts alone, which always can be written
		all = append(all, text)
	}
	return all
}

// ImageVM is a machine that an image consists of. It comes as text, which is its identifier, or as an object, whose
// members are not documented.
type ImageVM struct {
	// Identifier of the machine: the text, or the member id of the object.
	ID string
	// Members of the object, as JSON by name; nil where it came as text.
	Members map[string]json.RawMessage
}

// UnmarshalJSON reads text or an object.
func (v *ImageVM) UnmarshalJSON(data []byte) error {
	*v = ImageVM{}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return json.Unmarshal(data, &v.ID)
	}
	if err := json.Unmarshal(data, &v.Members); err != nil {
		return err
	}
	if id, there := v.Members["id"]; there {
		_ = json.Unmarshal(id, &v.ID) // an identifier that is no text stays in Members
	}
	return nil
}

// MarshalJSON writes what came.
func (v ImageVM) MarshalJSON() ([]byte, error) {
	if v.Members != nil {
		return json.Marshal(v.Members)
	}
	return json.Marshal(v.ID)
}
