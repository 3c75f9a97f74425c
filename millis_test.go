package drkit_test

import (
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-querystring/query"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

func TestMillisFromJSON(t *testing.T) {
	t.Parallel()
	at := func(ms int64) drkit.Millis { return drkit.Millis{Time: time.UnixMilli(ms).UTC()} }
	for data, want := range map[string]drkit.Millis{
		`1700000000123`:          at(1700000000123),
		`"1700000000123"`:        at(1700000000123),
		`1700000000123.0`:        at(1700000000123),
		`1700000000123.9`:        at(1700000000123),
		`"1700000000123.5"`:      at(1700000000123),
		`1.700000000123E12`:      at(1700000000123),
		`0`:                      at(0),
		`-0`:                     at(0),
		`-5000`:                  at(-5000),
		`9007199254740993`:       at(9007199254740993), // more than a float can tell apart
		`-1`:                     {},
		`-1.0`:                   {},
		`"-1"`:                   {},
		`null`:                   {},
		`""`:                     {},
		`"null"`:                 {},
		`-62135596800000`:        {}, // the zero time
		`9223372036854775807`:    at(math.MaxInt64),
		`-9223372036854775808`:   at(math.MinInt64),
		" 1700000000123\n":       at(1700000000123),
		`0.4`:                    at(0),
		`"+1700000000123"`:       at(1700000000123),
		`1700000000123e0`:        at(1700000000123),
		`170000000012300000e-05`: at(1700000000123),
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			got := drkit.MillisOf(time.Unix(1, 0)) // what was there before does not stay
			require.NoError(t, json.Unmarshal([]byte(data), &got))
			assert.Equal(t, want, got)
			if !got.IsZero() {
				assert.Equal(t, time.UTC, got.Location())
			}
		})
	}
}

func TestMillisRefusesWhatIsNoNumber(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		`"yesterday"`, `"2026-01-01T00:00:00Z"`, `true`, `{}`, `[]`, `[1]`, `"NaN"`, `"Infinity"`, `"-inf"`, `1e300`,
		`-1e19`, `9223372036854775808`, `"12 34"`, `"0x10"`,
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			before := drkit.MillisOf(time.Unix(1, 0))
			got := before
			require.Error(t, json.Unmarshal([]byte(data), &got))
			assert.Equal(t, before, got, "what was there stays")
		})
	}
}

func TestMillisErrorNamesTheValue(t *testing.T) {
	t.Parallel()
	var m drkit.Millis
	err := m.UnmarshalJSON([]byte(`"tomorrow"`))
	require.ErrorContains(t, err, "tomorrow")
	require.ErrorContains(t, err, "milliseconds")
}

func TestMillisToJSON(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("Tokyo", 9*60*60)
	for name, tc := range map[string]struct {
		millis drkit.Millis
		want   string
	}{
		"zero":              {drkit.Millis{}, "-1"},
		"of the zero time":  {drkit.MillisOf(time.Time{}), "-1"},
		"epoch":             {drkit.MillisOf(time.Unix(0, 0)), "0"},
		"of a time":         {drkit.MillisOf(time.UnixMilli(1700000000123)), "1700000000123"},
		"finer than a ms":   {drkit.MillisOf(time.Unix(1700000000, 123_999_999)), "1700000000123"},
		"in another zone":   {drkit.MillisOf(time.UnixMilli(1700000000123).In(tokyo)), "1700000000123"},
		"before 1970":       {drkit.MillisOf(time.UnixMilli(-5000)), "-5000"},
		"not cut by anyone": {drkit.Millis{Time: time.Unix(1700000000, 123_999_999).In(tokyo)}, "1700000000123"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(map[string]any{"at": tc.millis, "pointer": &tc.millis})
			require.NoError(t, err)
			assert.JSONEq(t, `{"at":`+tc.want+`,"pointer":`+tc.want+`}`, string(data))
			values, err := query.Values(struct {
				At drkit.Millis `url:"at"`
			}{tc.millis})
			require.NoError(t, err)
			want := url.Values{}
			if tc.want != "-1" {
				want.Set("at", tc.want)
			}
			assert.Equal(t, want, values)
		})
	}
}

func TestMillisOf(t *testing.T) {
	t.Parallel()
	local := time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.FixedZone("", 3600))
	got := drkit.MillisOf(local)
	assert.Equal(t, time.Date(2026, 3, 1, 11, 0, 0, 123_000_000, time.UTC), got.Time)
	assert.Equal(t, got, drkit.MillisOf(got.Time))
	assert.Equal(t, got, drkit.MillisOf(local.Add(500*time.Microsecond)))
	assert.Equal(t, drkit.Millis{}, drkit.MillisOf(time.Time{}.In(time.FixedZone("", 3600))))
	now := drkit.MillisOf(time.Now())
	assert.Equal(t, drkit.MillisOf(now.Time), now, "without the monotonic clock, so that == works")
}

func TestMillisAsOptionalMembers(t *testing.T) {
	t.Parallel()
	type body struct {
		From drkit.Millis  `json:"from,omitzero" url:"from,omitempty"`
		To   *drkit.Millis `json:"to,omitempty" url:"to,omitempty"`
	}
	data, err := json.Marshal(body{})
	require.NoError(t, err)
	assert.JSONEq(t, `{}`, string(data))
	var got body
	require.NoError(t, json.Unmarshal([]byte(`{"from":5,"to":-1}`), &got))
	assert.Equal(t, body{From: drkit.MillisOf(time.UnixMilli(5)), To: &drkit.Millis{}}, got)
	values, err := query.Values(body{})
	require.NoError(t, err)
	assert.Empty(t, values)
}

func FuzzMillis(f *testing.F) {
	for _, seed := range []string{
		`1700000000123`, `"1700000000123"`, `17.5`, `-1`, `null`, `""`, `"`, `-9223372036854775808`, `1e18`, `NaN`, ` 7 `,
		`-62135596800000`, `"0x1p-2"`, ``, `-1.5`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m drkit.Millis
		if err := m.UnmarshalJSON(data); err != nil {
			assert.Zero(t, m)
			return
		}
		written, err := m.MarshalJSON()
		require.NoError(t, err)
		_, err = strconv.ParseInt(string(written), 10, 64)
		require.NoError(t, err, "whole milliseconds")
		var again drkit.Millis
		require.NoError(t, json.Unmarshal(written, &again))
		assert.Equal(t, m, again)
		assert.Equal(t, m, drkit.MillisOf(m.Time))
		values := url.Values{}
		require.NoError(t, m.EncodeValues("at", &values))
		if m.IsZero() {
			assert.Empty(t, values)
		} else {
			assert.Equal(t, string(written), values.Get("at"))
		}
	})
}
