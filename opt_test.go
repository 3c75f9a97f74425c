package drkit_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-querystring/query"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

type inner struct {
	Name  drkit.Opt[string] `json:"name,omitzero" url:"name,omitempty"`
	Count drkit.Opt[int]    `json:"count,omitzero" url:"count,omitempty"`
}

type outer struct {
	On     drkit.Opt[bool]              `json:"on,omitzero" url:"on,omitempty"`
	Inner  drkit.Opt[inner]             `json:"inner,omitzero" url:"-"`
	Tags   drkit.Opt[[]string]          `json:"tags,omitzero" url:"-"`
	Labels drkit.Opt[map[string]string] `json:"labels,omitzero" url:"-"`
	When   drkit.Opt[drkit.Millis]      `json:"when,omitzero" url:"when,omitempty"`
	Bare   drkit.Opt[int]               `json:"bare" url:"bare"`
}

func TestOptInJSON(t *testing.T) {
	t.Parallel()
	when := drkit.MillisOf(time.UnixMilli(1700000000123))
	for name, tc := range map[string]struct {
		value outer
		want  string
	}{
		"absent": {outer{}, `{"bare":null}`},
		"null": {
			outer{
				On: drkit.Null[bool](), Inner: drkit.Null[inner](), Tags: drkit.Null[[]string](),
				Labels: drkit.Null[map[string]string](), When: drkit.Null[drkit.Millis](), Bare: drkit.Null[int](),
			},
			`{"on":null,"inner":null,"tags":null,"labels":null,"when":null,"bare":null}`,
		},
		"zero values": {
			outer{
				On: drkit.Some(false), Inner: drkit.Some(inner{}), Tags: drkit.Some([]string{}),
				Labels: drkit.Some(map[string]string{}), When: drkit.Some(drkit.Millis{}), Bare: drkit.Some(0),
			},
			`{"on":false,"inner":{},"tags":[],"labels":{},"when":-1,"bare":0}`,
		},
		"values": {
			outer{
				On: drkit.Some(true), Inner: drkit.Some(inner{Name: drkit.Some("<db & web>"), Count: drkit.Null[int]()}),
				Tags: drkit.Some([]string{"a", "b"}), Labels: drkit.Some(map[string]string{"k": "v"}), When: drkit.Some(when),
				Bare: drkit.Some(-7),
			},
			`{"on":true,"inner":{"name":"<db & web>","count":null},"tags":["a","b"],"labels":{"k":"v"},` +
				`"when":1700000000123,"bare":-7}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(tc.value)
			require.NoError(t, err)
			assert.JSONEq(t, tc.want, string(data))

			var back outer
			require.NoError(t, json.Unmarshal(data, &back))
			if name == "absent" {
				assert.True(t, back.Bare.IsNull(), "without omitzero absent travels as null")
				back.Bare = drkit.Opt[int]{}
			}
			assert.Equal(t, tc.value, back)

			indented, err := json.MarshalIndent(tc.value, "", "\t")
			require.NoError(t, err)
			assert.JSONEq(t, tc.want, string(indented))
		})
	}
}

func TestOptReadsOverWhatItHeld(t *testing.T) {
	t.Parallel()
	value := outer{On: drkit.Some(true), Bare: drkit.Some(4), Tags: drkit.Some([]string{"old", "older"})}
	require.NoError(t, json.Unmarshal([]byte("{\"on\": null , \"tags\":\n[\"new\"]}"), &value))
	assert.Equal(t, outer{On: drkit.Null[bool](), Bare: drkit.Some(4), Tags: drkit.Some([]string{"new"})}, value)
}

func TestOptRefusesAnotherType(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`"three"`, `[3]`, `3.5`, `true`, `{}`} {
		count := drkit.Some(3)
		require.Error(t, json.Unmarshal([]byte(data), &count), data)
		assert.Equal(t, drkit.Some(3), count, "what it held stays")
	}
	_, err := json.Marshal(drkit.Some(make(chan int)))
	require.Error(t, err)
}

func TestOptInQueries(t *testing.T) {
	t.Parallel()
	when := drkit.MillisOf(time.UnixMilli(1700000000123))
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"absent":       {outer{}, ""},
		"null":         {outer{On: drkit.Null[bool](), Bare: drkit.Null[int](), When: drkit.Null[drkit.Millis]()}, ""},
		"zero values":  {outer{On: drkit.Some(false), Bare: drkit.Some(0)}, "bare=0&on=false"},
		"no time":      {outer{When: drkit.Some(drkit.Millis{})}, ""},
		"values":       {outer{On: drkit.Some(true), Bare: drkit.Some(-7), When: drkit.Some(when)}, "bare=-7&on=true&when=1700000000123"},
		"empty text":   {inner{Name: drkit.Some("")}, "name="},
		"escaped text": {inner{Name: drkit.Some("a&b=c d")}, "name=a%26b%3Dc+d"},
		"states": {struct {
			State drkit.Opt[drkit.State] `url:"state"`
		}{drkit.Some(drkit.StateRunning)}, "state=RUNNING"},
		"nested": {struct {
			Inner inner `url:"inner"`
		}{inner{Count: drkit.Some(2)}}, "inner%5Bcount%5D=2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values, err := query.Values(tc.value)
			require.NoError(t, err)
			assert.Equal(t, tc.want, values.Encode())
		})
	}
}

// The query is the same as go-querystring makes of the plain value.
func TestOptInQueriesIsItsValue(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ plain, optional any }{
		"text": {
			struct{ V string }{"a b"}, struct{ V drkit.Opt[string] }{drkit.Some("a b")},
		},
		"number": {
			struct{ V float64 }{1e21}, struct{ V drkit.Opt[float64] }{drkit.Some(1e21)},
		},
		"time": {
			struct{ V time.Time }{time.Unix(1700000000, 0).UTC()},
			struct{ V drkit.Opt[time.Time] }{drkit.Some(time.Unix(1700000000, 0).UTC())},
		},
		"several": {
			struct{ V []string }{[]string{"a", "b"}}, struct{ V drkit.Opt[[]string] }{drkit.Some([]string{"a", "b"})},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := query.Values(tc.plain)
			require.NoError(t, err)
			got, err := query.Values(tc.optional)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

type failing struct{}

func (failing) EncodeValues(string, *url.Values) error { return errShutdown }

func TestOptInQueriesHandsErrorsOn(t *testing.T) {
	t.Parallel()
	values := url.Values{}
	require.ErrorIs(t, drkit.Some(failing{}).EncodeValues("v", &values), errShutdown)
	require.NoError(t, drkit.Null[failing]().EncodeValues("v", &values))
	require.NoError(t, drkit.Opt[failing]{}.EncodeValues("v", &values))
	assert.Empty(t, values)
}

func TestOptAccessors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opt       drkit.Opt[int]
		value     int
		ok        bool
		or        int
		null      bool
		zero      bool
		asString  string
		asPrinted string
	}{
		"absent": {drkit.Opt[int]{}, 0, false, 9, false, true, "absent", "absent"},
		"null":   {drkit.Null[int](), 0, false, 9, true, false, "null", "null"},
		"zero":   {drkit.Some(0), 0, true, 0, false, false, "0", "0"},
		"value":  {drkit.Some(4), 4, true, 4, false, false, "4", "4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, ok := tc.opt.Get()
			assert.Equal(t, tc.value, value)
			assert.Equal(t, tc.ok, ok)
			assert.Equal(t, tc.or, tc.opt.Or(9))
			assert.Equal(t, tc.null, tc.opt.IsNull())
			assert.Equal(t, tc.zero, tc.opt.IsZero())
			assert.Equal(t, tc.asString, tc.opt.String())
			assert.Equal(t, tc.asPrinted, fmt.Sprint(tc.opt))
			assert.Equal(t, "{"+tc.asPrinted+"}", fmt.Sprintf("%v", struct{ V drkit.Opt[int] }{tc.opt}))
			copied := tc.opt
			assert.Equal(t, tc.opt, copied)
			assert.True(t, tc.opt == copied, "an Opt of a comparable type is comparable") //nolint:testifylint // the operator is what is tested
		})
	}
}
