package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/wire"
)

// thing has one member of each kind.
type thing struct {
	base

	Text   string       `json:"Text"`
	Number int          `json:"Number" also:"Count"`
	Small  int8         `json:"Small"`
	Truth  bool         `json:"Truth"`
	Secret drkit.Secret `json:"Secret"`
	Part   *part        `json:"Part"`
	Parts  []part       `json:"Parts"`
	Names  []string     `json:"Names"`
	UID    string       `json:"UID"`
	Links  []part       `json:"Links"`
	Inner  struct {
		Whole []string `json:"Whole"`
	} `json:"Inner"`
	List *struct {
		Whole []string `json:"Whole"`
	} `json:"List"`
}

type base struct {
	Href string `json:"Href"`
}

type part struct {
	ID string `json:"Id"`
	N  int    `json:"N"`
}

func inNamespace(inside string) string { return `<Thing xmlns="` + wire.Namespace + `"` + inside }

// What is the same in both encodings, in all its spellings.
func TestSpellings(t *testing.T) {
	t.Parallel()
	secret := drkit.NewSecret("s")
	for name, tc := range map[string]struct {
		xml, json string // inside of the root
		want      thing
	}{
		"texts":   {` UID="u" Href="h"><Text> a&lt;b </Text></Thing>`, `{"Text":" a<b ","UID":"u","Href":"h"}`, thing{base: base{"h"}, Text: " a<b ", UID: "u"}},
		"numbers": {`><Number>7</Number><Small>-8</Small></Thing>`, `{"Number":7,"Small":-8}`, thing{Number: 7, Small: -8}},
		"numbers as texts": {`><Number> 7
			</Number></Thing>`, `{"Number":"7"}`, thing{Number: 7}},
		"whole numbers":      {`><Number>7e2</Number><Small>8.0</Small></Thing>`, `{"Number":7e2,"Small":8.0}`, thing{Number: 700, Small: 8}},
		"truth":              {` Truth="true"/>`, `{"Truth":true}`, thing{Truth: true}},
		"truth as text":      {`><Truth>True</Truth></Thing>`, `{"Truth":"True"}`, thing{Truth: true}},
		"truth as a number":  {`><Truth>1</Truth></Thing>`, `{"Truth":"1"}`, thing{Truth: true}},
		"what reads itself":  {`><Secret>s</Secret></Thing>`, `{"Secret":"s"}`, thing{Secret: secret}},
		"another name":       {`><Count>7</Count></Thing>`, `{"Count":7}`, thing{Number: 7}},
		"an object":          {`><Part Id="p"/></Thing>`, `{"Part":{"Id":"p"}}`, thing{Part: &part{ID: "p"}}},
		"an object of zeros": {`><Part N="0"/></Thing>`, `{"Part":{"N":0}}`, thing{Part: &part{}}},
		"nothing": {
			`><Text/><Number></Number><Small/><Truth/><Secret/><Part/><Parts/><Names/><Links> </Links></Thing>`,
			`{"Text":"","Number":"","Small":null,"Truth":"","Secret":null,"Part":"","Parts":[],"Names":null,"Links":""}`,
			thing{},
		},
		"objects of nothing": {`><Part><Id/></Part><Inner/></Thing>`, `{"Part":{"Id":null},"Inner":null}`, thing{}},
		"nil": {
			` xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Text i:nil="true">x</Text><Part i:nil="true" Id="p"/><Parts i:nil="true"><A Id="p"/></Parts></Thing>`,
			`{"Text":null,"Part":null,"Parts":null}`,
			thing{},
		},
		"not nil": {
			` xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:j="z"><Text i:nil="false">x</Text><Number nil="true" j:nil="true">7</Number></Thing>`,
			`{"Text":"x","Number":7}`,
			thing{Text: "x", Number: 7},
		},
		"the address of a list": {` Href="h"><Links Href="l"/><Parts Href="p" UID="v"></Parts></Thing>`, `{"Href":"h","Links":{"Href":null},"Parts":[]}`, thing{base: base{"h"}}},
		"an object of no list":  {`><List><Whole/></List></Thing>`, `{"List":{"Whole":[]}}`, thing{}},
		"a list beside links":   {`><Names><A>x</A></Names></Thing>`, `{"Names":{"A":["x"],"Links":[1]}}`, thing{Names: []string{"x"}}},
		"links of nothing":      {`><Names/></Thing>`, `{"Names":{"Links":null}}`, thing{}},
		"links and nothing":     {`><Names/></Thing>`, `{"Names":{"Links":["no"],"A":null}}`, thing{}},
		"a list":                {`><Parts><Part Id="p"/><Part Id="q"/></Parts></Thing>`, `{"Parts":[{"Id":"p"},{"Id":"q"}]}`, thing{Parts: []part{{ID: "p"}, {ID: "q"}}}},
		"a wrapped list":        {`><Parts Href="h"><Misnamed Id="p"/></Parts></Thing>`, `{"Parts":{"Misnamed":[{"Id":"p"}]}}`, thing{Parts: []part{{ID: "p"}}}},
		"a list wrapped twice":  {`><Names><A>x</A><B>y</B></Names></Thing>`, `{"Names":{"A":{"B":["x","y"]}}}`, thing{Names: []string{"x", "y"}}},
		"among nothing":         {`><Names><A>x</A></Names></Thing>`, `{"Names":{"Z":null,"Links":[1],"A":["x"],"Y":"","B":null}}`, thing{Names: []string{"x"}}},
		"wrapped links":         {`><Links><Link Id="p"/></Links></Thing>`, `{"Links":{"Links":[{"Id":"p"}]},"Text":""}`, thing{Links: []part{{ID: "p"}}}},
		"an empty wrapper":      {`><Names></Names></Thing>`, `{"Names":{}}`, thing{}},
		"a list of nothing":     {`><Names><A/></Names></Thing>`, `{"Names":[null]}`, thing{Names: []string{""}}},
		"a list in parts":       {`><Names><A>x</A></Names><Names><A>y</A></Names></Thing>`, `{"Names":["x"],"names":["y"]}`, thing{Names: []string{"x", "y"}}},
		"unknown members":       {` Z="1" xmlns:x="y" x:UID="no"><Y><Z a="b">deep<Text>no</Text></Z></Y><Text>x</Text></Thing>`, `{"Z":1,"Y":{"Z":[{"Text":"no"},"]"]},"Text":"x"}`, thing{Text: "x"}},
		"the last counts":       {`><Text>x</Text><Text>y</Text></Thing>`, `{"Text":"x","Text":"y"}`, thing{Text: "y"}},
		"small letters":         {`><text>x</text></Thing>`, `{"text":"x","tRUTH":false,"iD":"x"}`, thing{Text: "x"}},
		"escapes":               {`><Text>&quot;ä&#x1F600;&amp;` + "\n" + `</Text></Thing>`, `{"T\u0065xt":"\"\u00e4\ud83d\ude00\u0026\n"}`, thing{Text: "\"ä😀&\n"}},
		"comments":              {`><!-- <Text>no</Text> --><Text>x<!-- y --><![CDATA[<z>]]></Text></Thing>`, ` {"Text" : "x<z>" } `, thing{Text: "x<z>"}},
	} {
		for encoding, document := range map[string]string{"XML": inNamespace(tc.xml), "JSON": tc.json} {
			for _, begin := range []string{"", "\xef\xbb\xbf", "\n \t", " \xef\xbb\xbf\n"} {
				got := thing{Text: "of before", Names: []string{"of before"}}
				require.NoError(t, wire.Decode([]byte(begin+document+"\r\n"), &got), "%s in %s", name, encoding)
				assert.Equal(t, tc.want, got, "%s in %s", name, encoding)
			}
		}
	}
}

// Texts of JSON say what they say to encoding/json, whatever is wrong with them.
func TestTextsOfJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`\ud83d\ude00`, `x\ud83d\ude00`, `\ud83d\ude00x`, `\uD83D\uDE00`, `\ud83d`, `\ud83dx`, `\ud83d\u0041`, `\ud83dxude00`, `\ud83d\n`, `\ud83d\ud83d\ude00`, `\ude00`,
		`\ude00\ud83d`, `\u00e4\u00C4`, "\xff", "x\xffy", "\xff\\n", `\\`, `\\\"`, `\"`, `\/\b\f\n\r\t`, `\u0000`, `\uffff\ufffd`, "ä", "\u2028",
	} {
		document := []byte(`{"Text":"` + text + `","Names":["` + text + `"]}`)
		var want, got thing
		require.NoError(t, json.Unmarshal(document, &want), text)
		require.NoError(t, wire.Decode(document, &got), text)
		assert.Equal(t, want.Text, got.Text, text)
		assert.Equal(t, want.Names, got.Names, text)
	}
}

func TestXMLProlog(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		`<?xml version="1.0"?>` + inNamespace("><Text>x</Text></Thing>"), `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n<!-- c -->\n" + inNamespace("><Text>x</Text></Thing>") + "<!-- d -->",
		`<v:Thing xmlns:v="` + wire.Namespace + `"><v:Text>x</v:Text></v:Thing>`, `<Thing xmlns:xsd="a" xmlns="` + wire.Namespace + `"><Text xmlns="">x</Text></Thing>`,
	} {
		var got thing
		require.NoError(t, wire.Decode([]byte(document), &got), document)
		assert.Equal(t, thing{Text: "x"}, got)
	}
}

// What is wrong is said, with its place, and never in more than a few words of the document's own.
func TestMistakes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("9", 100000)
	for want, documents := range map[string][]string{
		"nothing":                                  {"", " ", "\xef\xbb\xbf", "<?xml version=\"1.0\"?>", "<!-- -->"},
		"null in the place of a document":          {"null", "\xef\xbb\xbfnull"},
		"text in the place of a document":          {`"x"`},
		"a number in the place of a document":      {"1", "-1.5"},
		"a truth value in the place":               {"true"},
		"a list in the place of a document":        {"[]", "[{}]"},
		"invalid ":                                 {"{]", "{}x", "{} {}", "x", "\xff", `{"Text":"\x"}`, "{\"Text\":\"\n\"}"},
		"unexpected end of JSON":                   {"{", `{"Text":`, `{"Text":"x"`},
		"the encoding is not UTF-8":                {"\xff\xfe<\x00T\x00", "\xfe\xff\x00<", "\x00<\x00T"},
		"has another namespace, or none":           {"<Thing/>", `<Thing xmlns="http://www.w3.org/1999/xhtml"/>`, `<a:Thing xmlns="` + wire.Namespace + `"/>`, `<a:Thing a="` + wire.Namespace + `"/>`, "<html>"},
		"unexpected EOF":                           {inNamespace(">"), inNamespace("><Text>x"), inNamespace("><Text>x</Text>"), inNamespace(">") + "<Z><Y>"},
		"XML syntax error":                         {"<", "<Thing", inNamespace("><Text>&bomb;</Text></Thing>"), inNamespace("><Text a=b/></Thing>"), inNamespace("><Text>\x01</Text></Thing>"), inNamespace("><Text>\xff</Text></Thing>")},
		"is closed as":                             {inNamespace("></Other>"), inNamespace("><Text></Thing>")},
		"something follows":                        {inNamespace("/><Other/>"), inNamespace("/>text")},
		"text before the first element":            {"<?xml version='1.0'?>x<Thing/>"},
		"the encoding \"utf-16\" is not read":      {`<?xml version="1.0" encoding="utf-16"?>` + inNamespace("/>")},
		"a document with a type":                   {`<!DOCTYPE Thing [<!ENTITY a "aaaa">]>` + inNamespace("><Text>&a;</Text></Thing>"), `<!DOCTYPE html>`, inNamespace("><!ELEMENT x></Thing>")},
		"Number: \"x\" in the place of a whole":    {inNamespace("><Number>x</Number></Thing>"), `{"Number":"x"}`},
		"Number: \"1.5\" in the place":             {inNamespace(` Number="1.5"/>`), `{"Number":1.5}`},
		"Number: \"1e400\" in the place":           {inNamespace(` Number="1e400"/>`), `{"Number":1e400}`},
		"Number: \"true\" in the place":            {`{"Number":true}`},
		"Number: \"9007199254740993.0\" in the":    {inNamespace(` Number="9007199254740993.0"/>`), `{"Number":9007199254740993.0}`}, // would be another
		"Number: \"-9007199254740993.0\" in the":   {`{"Number":-9007199254740993.0}`},
		"Number: \"9999999999999999999999999999":   {inNamespace("><Number>" + long + "</Number></Thing>"), `{"Number":` + long + `}`},
		"Small: \"128\" in the place of a smaller": {inNamespace(` Small="128"/>`), `{"Small":128}`},
		"Truth: \"yes\" in the place of a truth":   {inNamespace(` Truth="yes"/>`), `{"Truth":"yes"}`},
		"Text: an element in the place of text":    {inNamespace("><Text><b>x</b></Text></Thing>")},
		"Text: an object in the place of a value":  {`{"Text":{}}`},
		"Text: a list in the place of a value":     {`{"Text":["x"]}`},
		"Part: a list in the place of an object":   {`{"Part":[]}`},
		"Part: text in the place of an object":     {`{"Part":"x"}`},
		"Part: an attribute in the place":          {inNamespace(` Part="x"/>`)},
		"Parts: a number in the place of a list":   {`{"Parts":1}`},
		"Parts: no list in it":                     {`{"Parts":{"x":1}}`, `{"Parts":{"x":{"y":{"z":[]}}}}`},
		"Parts: more than one list in it":          {`{"Parts":{"x":[],"y":[]}}`, `{"Parts":{"a":{"x":[]},"y":[]}}`},
		"Parts.1.N: \"x\" in the place":            {inNamespace(`><Parts><A N="1"/><A N="x"/></Parts></Thing>`), `{"Parts":{"A":[{"N":1},{"N":"x"}]}}`},
		"Inner.Whole.0: a list in the place":       {`{"Inner":{"Whole":[[]]}}`},
	} {
		for _, document := range documents {
			var got thing
			err := wire.Decode([]byte(document), &got)
			require.ErrorContains(t, err, want, "%.80q", document)
			assert.Less(t, len(err.Error()), 200)
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}

// Lists may be the whole of a document; an object without any list is none.
func TestListsAsDocuments(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		`<Parts xmlns="` + wire.Namespace + `"><Part Id="p"/>...</Parts>`, `{"Parts":[{"Id":"p"}]}`, `[{"Id":"p"}]`, `{"Links":[{"Id":"no"}],"A":{"B":[{"Id":"p"}]}}`,
	} {
		var got []part
		require.NoError(t, wire.Decode([]byte(document), &got), document)
		assert.Equal(t, []part{{ID: "p"}}, got)
	}
	for _, document := range []string{`{}`, `{"status":"ok"}`, `{"status":true,"Parts":null}`} {
		var got []part
		require.ErrorContains(t, wire.Decode([]byte(document), &got), "no list in it", document)
	}
	for _, document := range []string{`<Parts xmlns="` + wire.Namespace + `"/>`, `{"Parts":[]}`, `{"Parts":null}`, `[]`, `{"Parts":{}}`} {
		got := []part{{ID: "of before"}}
		require.NoError(t, wire.Decode([]byte(document), &got), document)
		assert.Empty(t, got)
	}
}

func TestDecodeError(t *testing.T) {
	t.Parallel()
	for _, document := range []string{`<Error Text="x"/>`, `<Error xmlns="` + wire.Namespace + `" Text="x"/>`, `{"Text":"x"}`, "\xef\xbb\xbf" + `{"text":"x"}`} {
		var got thing
		require.NoError(t, wire.DecodeError([]byte(document), &got), document)
		assert.Equal(t, "x", got.Text)
	}
	for _, document := range []string{`<html/>`, `<error Text="x"/>`, `<Task xmlns="` + wire.Namespace + `"/>`, "", "x"} {
		var got thing
		require.Error(t, wire.DecodeError([]byte(document), &got), document)
	}
}

// A type that this package has no way to read is a mistake of the program, and found at once.
func TestTypesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, out := range []any{
		new(map[string]string), new(struct {
			A any `json:"A"`
		}), new(struct {
			A float64 `json:"A"`
		}), new(struct{ A string }),
		new(struct {
			A *string `json:"A"`
		}), new([]chan int),
	} {
		require.Error(t, wire.Decode([]byte(`{"A":null}`), out), "%T", out)
	}
}
