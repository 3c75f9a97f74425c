package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/wire"
	"github.com/drkit-go/drkit/internal/api"
)

// order is a request with one member of each kind, in another order than that of its schema.
type order struct {
	Truth  drkit.Opt[bool]         `json:"Truth,omitzero"`
	Names  []string                `json:"Names,omitzero"`
	Part   drkit.Opt[part]         `json:"Part,omitzero"`
	Secret drkit.Opt[drkit.Secret] `json:"Secret,omitzero"`
	Parts  []part                  `json:"Parts,omitzero"`
	Number int                     `json:"Number"`
	Text   string                  `json:"Text"`
	Tail   *part                   `json:"Tail,omitzero"`
	Mark   drkit.Opt[string]       `json:"Mark,omitzero"`
}

var table = api.Table{Schemas: map[string]api.Schema{
	"Order": {Name: "Order", Root: "Purchase", Type: "object", Members: []api.Member{
		{Name: "Text", Type: "string"},
		{Name: "Mark", Type: "string", Attribute: true},
		{Name: "Number", Type: "integer"},
		{Name: "Truth", Type: "boolean"},
		{Name: "Secret", Type: "string"},
		{Name: "Part", Schema: "Part"},
		{Name: "Parts", Schema: "Order.Parts"},
		{Name: "Names", Schema: "Order.Names"},
		{Name: "Tail", Schema: "Part"},
	}},
	"Order.Parts": {Name: "Order.Parts", Type: "array", Wrapper: "Pieces", Items: &api.Member{Name: "Piece", Schema: "Part"}},
	"Order.Names": {Name: "Order.Names", Type: "array", Items: &api.Member{Name: "Name", Type: "string"}},
	"Part": {Name: "Part", Type: "object", Members: []api.Member{
		{Name: "N", Type: "integer"}, {Name: "Id", Type: "string", Attribute: true},
	}},
}}

const head = `<?xml version="1.0" encoding="utf-8"?><Purchase xmlns="` + wire.Namespace + `"`

func TestEncode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body      order
		xml, json string
	}{
		"nothing": {order{}, `><Text></Text><Number>0</Number></Purchase>`, `{"Text":"","Number":0}`},
		"null is left out": {
			order{Truth: drkit.Null[bool](), Secret: drkit.Null[drkit.Secret]()}, `><Text></Text><Number>0</Number></Purchase>`, `{"Text":"","Number":0}`,
		},
		"everything": {
			order{
				drkit.Some(false),
				[]string{"x", "<y>"},
				drkit.Some(part{"p", 1}), drkit.Some(drkit.NewSecret(`s"&`)),
				[]part{{"q", 2}, {}},
				-3, "a\n\"b\" & 'ä'", &part{"t", 0}, drkit.Some(`"<&`),
			},
			` Mark="&#34;&lt;&amp;"><Text>a&#xA;&#34;b&#34; &amp; &#39;ä&#39;</Text><Number>-3</Number><Truth>false</Truth><Secret>s&#34;&amp;</Secret>` +
				`<Part Id="p"><N>1</N></Part><Parts><Piece Id="q"><N>2</N></Piece><Piece Id=""><N>0</N></Piece></Parts>` +
				`<Names><Name>x</Name><Name>&lt;y&gt;</Name></Names><Tail Id="t"><N>0</N></Tail></Purchase>`,
			`{"Mark":"\"<&","Text":"a\n\"b\" & 'ä'","Number":-3,"Truth":false,"Secret":"s\"&","Part":{"Id":"p","N":1},` +
				`"Parts":{"Pieces":[{"Id":"q","N":2},{"Id":"","N":0}]},"Names":["x","<y>"],"Tail":{"Id":"t","N":0}}`,
		},
		"empty lists": {
			order{Parts: []part{}, Names: []string{}},
			`><Text></Text><Number>0</Number><Parts></Parts><Names></Names></Purchase>`,
			`{"Text":"","Number":0,"Parts":{"Pieces":[]},"Names":[]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, err := wire.Encode(wire.XML, table, "Order", tc.body)
			require.NoError(t, err)
			assert.Equal(t, head+tc.xml, string(document))
			document, err = wire.Encode(wire.JSON, table, "Order", tc.body)
			require.NoError(t, err)
			assert.True(t, json.Valid(document))
			assert.JSONEq(t, tc.json, string(document))
		})
	}
}

// What cannot be sent is not sent as something else.
func TestWhatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	for want, body := range map[string]any{
		"Text: it holds characters that cannot be sent": order{Text: "a\x00"},
		"Number is no member of Part": struct {
			Number int `json:"Number"`
		}{},
		"Part: string is no Part": struct {
			Part string `json:"Part"`
		}{"x"},
		"Names.0: float64 cannot be written": struct {
			Names []float64 `json:"Names"`
		}{[]float64{1}},
		"Names.1: it holds characters that cannot be sent": order{Names: []string{"a", "\xff"}},
		"Mark: it holds characters that cannot be sent":    order{Mark: drkit.Some("\ufffe")},
		"Parts: string is no Order.Parts": struct {
			Parts string `json:"Parts"`
		}{"x"},
	} {
		schema := "Order"
		if want == "Number is no member of Part" {
			schema = "Part"
		}
		_, err := wire.Encode(wire.XML, table, schema, body)
		require.EqualError(t, err, want)
	}
	_, err := wire.Encode(wire.JSON, table, "Order", order{Text: "\xff"})
	require.EqualError(t, err, "Text: it holds characters that cannot be sent")
	document, err := wire.Encode(wire.JSON, table, "Order", order{Text: "a\x00"})
	require.NoError(t, err, "JSON has a way to write it")
	assert.JSONEq(t, `{"Text":"a\u0000","Number":0}`, string(document))
	_, err = wire.Encode(wire.XML, table, "Other", order{})
	require.EqualError(t, err, `the contract has no schema "Other"`)
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "application/xml", wire.XML.MediaType())
	assert.Equal(t, "application/json", wire.JSON.MediaType())
}

func TestRedact(t *testing.T) {
	t.Parallel()
	const id = "0b3f8c1e-4a70-4be5-9a55-5a5c1f6fa1c2"
	for document, want := range map[string]string{
		`<a><Password>x</Password><b>x</b></a>`:                             `<a><Password>[redacted]</Password><b>x</b></a>`,
		`<a><Password/><Password></Password><b>x</b></a>`:                   `<a><Password/><Password></Password><b>x</b></a>`,
		`<a><Password/>x</a>`:                                               `<a><Password/>x</a>`,
		`<a><p:Password q="1">x &lt; y</p:Password>z</a>`:                   `<a><p:Password q="1">[redacted]</p:Password>z</a>`,
		`<a><Password><![CDATA[<x>]]>y</Password>z</a>`:                     `<a><Password>[redacted]</Password>z</a>`,
		`<a><TenantCredentials><Username>u</Username></TenantCredentials>z`: `<a><TenantCredentials><Username>u</Username></TenantCredentials>z`,
		`<a b="1" Password="x" c='2' AuthToken = 'y>' d="3">z</a>`:          `<a b="1" Password="[redacted]" c='2' AuthToken="[redacted]" d="3">z</a>`,
		`<!-- don't --><a><Password>x</Password><!-- > <Password>`:          `<!-- don't --><a><Password>[redacted]</Password><!-- > <Password>`,
		`<a><Password>x`:                     `<a><Password>[redacted]`,
		`<a Password="x`:                     `<a Password="[redacted]"`,
		`<a><Password`:                       `<a><Password`,
		`<a><Password><![CDATA[x`:            `<a><Password>[redacted]`,
		"\xef\xbb\xbf<Password>x</Password>": "\xef\xbb\xbf<Password>[redacted]</Password>",
		`<a Href="https://em/api/logonSessions/` + id + `"/>`:     `<a Href="https://em/api/logonSessions/[redacted]"/>`,
		`<SessionId>` + id + `</SessionId>`:                       `<SessionId>[redacted]</SessionId>`,
		`{"Href":"https:\/\/em\/api\/logonSessions\/` + id + `"}`: `{"Href":"https:\/\/em\/api\/logonSessions\/[redacted]"}`,
		`{"sessionId":"` + id + `","Password":"x","n":1}`:         `{"sessionId":"[redacted]","Password":"[redacted]","n":1}`,
		``: ``, `x`: `x`, `<`: `<`, `>`: `>`, `<>`: `<>`, `</`: `</`,
	} {
		assert.Equal(t, want, string(wire.Redact([]byte(document))), document)
	}
}
