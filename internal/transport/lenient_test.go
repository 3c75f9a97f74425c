package transport_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

type measured struct {
	ID    string  `json:"id"`
	Count int     `json:"count"`
	Bytes int64   `json:"bytes"`
	Ratio float64 `json:"ratio"`
	Next  []int   `json:"next"`
}

func TestNumbersDecodeAnyway(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		want   measured
		fails  bool
	}{
		"plain":             {`{"id":"1","count":5,"bytes":6,"ratio":1.5,"next":[1,2]}`, measured{"1", 5, 6, 1.5, []int{1, 2}}, false},
		"floats":            {`{"id":"1.0","count":5.0,"bytes":6e3,"ratio":2.0,"next":[1.0,2]}`, measured{"1.0", 5, 6000, 2, []int{1, 2}}, false},
		"quoted":            {`{"id":"7","count":"5","bytes":"6","next":["1","-2"]}`, measured{"7", 5, 6, 0, []int{1, -2}}, false},
		"quoted floats":     {`{"id":"7","count":"5.0","bytes":"-1"}`, measured{"7", 5, -1, 0, nil}, false},
		"in another case":   {`{"Id":"7","COUNT":"5"}`, measured{"7", 5, 0, 0, nil}, false},
		"tricky strings":    {`{"id":"\"5.0\\","count":5.0}`, measured{`"5.0\`, 5, 0, 0, nil}, false},
		"a fraction":        {`{"id":"1","count":5.5}`, measured{}, true},
		"not a number":      {`{"id":"1","count":"five"}`, measured{}, true},
		"too large":         {`{"id":"1","count":1e300}`, measured{}, true},
		"an object instead": {`{"id":"1","count":{}}`, measured{}, true},
		"not JSON":          {`{"id":"1","count":"5"`, measured{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(answers(200, tc.answer))))
			var got measured
			_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"1"}}, &got)
			if tc.fails {
				require.ErrorContains(t, err, "cannot be used")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

type switched struct {
	Name  string  `json:"name"`
	On    bool    `json:"on"`
	Off   bool    `json:"off"`
	Ratio float64 `json:"ratio"`
	Count int     `json:"count"`
}

// Truth values and fractions in quotes decode as well. Numbers and truth values for text, and numbers for truth
// values, are taken only from services that have no types of their own.
func TestOtherScalarsDecodeAnyway(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer         string
		strict, loosed *switched // nil: it fails
	}{
		"plain":           {`{"name":"a","on":true,"ratio":1.5}`, &switched{"a", true, false, 1.5, 0}, &switched{"a", true, false, 1.5, 0}},
		"quoted":          {`{"name":"true","on":"True","off":"FALSE","ratio":"1.5"}`, &switched{"true", true, false, 1.5, 0}, &switched{"true", true, false, 1.5, 0}},
		"numbers":         {`{"on":1,"off":0}`, nil, &switched{On: true}},
		"quoted numbers":  {`{"on":"1","off":""}`, nil, &switched{On: true}},
		"for text":        {`{"name":9.0}`, nil, &switched{Name: "9.0"}},
		"a truth for one": {`{"name":true,"count":"3.0","ratio":2.0}`, nil, &switched{Name: "true", Count: 3, Ratio: 2}},
		"another number":  {`{"on":2}`, nil, nil},
		"another word":    {`{"on":"yes"}`, nil, nil},
		"not a fraction":  {`{"ratio":"1.5%"}`, nil, nil},
		"an object":       {`{"name":{"a":1}}`, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for loose, want := range map[bool]*switched{false: tc.strict, true: tc.loosed} {
				client := newClientWith(t, "https://a.example.com", func(c *transport.Config) {
					c.Session.Token, c.LooseScalars = drkit.NewSecret("given-token"), loose
				}, drkit.WithTransport(scripted(answers(200, tc.answer))))
				var got switched
				_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"1"}}, &got)
				if want == nil {
					require.ErrorContains(t, err, "cannot be used", "loose: %t", loose)
					continue
				}
				require.NoError(t, err, "loose: %t", loose)
				assert.Equal(t, *want, got, "loose: %t", loose)
			}
		})
	}
}

type nested struct {
	Name     string          `json:"name"`
	Children []nested        `json:"children"`
	Words    []string        `json:"words"`
	Raw      json.RawMessage `json:"raw"`
}

// An object stands for the list of which it is the only element, at any depth, but only for services that write so.
func TestOnlyElementsDecodeAsLists(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		want   *nested // nil: it fails
	}{
		"one":         {`{"children": {"name":"a}"}}`, &nested{Children: []nested{{Name: "a}"}}}},
		"many":        {`{"children":[{"name":"a"},{"children":{"name":"b"}}]}`, &nested{Children: []nested{{Name: "a"}, {Children: []nested{{Name: "b"}}}}}},
		"in each":     {`{"children":{"children":{"children":{}}},"name":"a"}`, &nested{Name: "a", Children: []nested{{Children: []nested{{Children: []nested{{}}}}}}}},
		"not for raw": {`{"raw":{"children":[{"children":1}]},"children":{}}`, &nested{Raw: json.RawMessage(`{"children":[{"children":1}]}`), Children: []nested{{}}}},
		"a word":      {`{"words":"a"}`, nil},
		"a number":    {`{"children":1}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, loose := range []bool{false, true} {
				client := newClientWith(t, "https://a.example.com", func(c *transport.Config) {
					c.Session.Token, c.LooseLists = drkit.NewSecret("given-token"), loose
				}, drkit.WithTransport(scripted(answers(200, tc.answer))))
				var got nested
				_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"1"}}, &got)
				if tc.want == nil || !loose {
					require.ErrorContains(t, err, "cannot be used", "loose: %t", loose)
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, *tc.want, got)
			}
		})
	}
}

// A whole page of such numbers is put right.
func TestManyQuotedNumbers(t *testing.T) {
	t.Parallel()
	page := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`{"id":"1","count":"5","bytes":6.0},`, n), ",") + "]"
	}
	var got []measured
	client := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(answers(200, page(3000)))))
	_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"1"}}, &got)
	require.NoError(t, err)
	assert.Len(t, got, 3000)
	assert.Equal(t, measured{"1", 5, 6, 0, nil}, got[2999])
}

func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{`{"count":5.0}`, `{"count":"5"}`, `{"next":["1",2.0,-0]}`, `{"id":"\\\"","bytes":"9"}`, `[]`, `{"count":1e5}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		client := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(answers(200, answer))))
		var got measured
		if _, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"1"}}, &got); err != nil {
			assert.NotContains(t, fmt.Sprint(err), "\n")
		}
	})
}
