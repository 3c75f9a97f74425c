package wire_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/cloudreplica/internal/wire"
)

// space is what stands between elements for the eye alone.
var space = regexp.MustCompile(`>\s+<`)

// seeds adds samples of one encoding, and what is none. Short inputs are minimized soon.
func seeds(f *testing.F, extension string, others ...string) {
	f.Helper()
	for _, name := range []string{"tasks_get.answer", "subtenants_get.answer", "tenants_get.ref.answer", "tenants_update.request"} {
		data, err := os.ReadFile("../../../testdata/cloudreplica/" + name + extension)
		require.NoError(f, err)
		if extension == ".json" {
			data = compact(f, data)
		}
		f.Add(space.ReplaceAll(data, []byte("><")))
	}
	for _, other := range others {
		f.Add([]byte(other))
	}
}

// survives checks what holds of any document: it is an error on one line, or a tenant that is the same after it was
// written and read again, in both encodings.
func survives(t *testing.T, data []byte) {
	t.Helper()
	var tenants []cloudreplica.CloudTenant
	if err := wire.Decode(data, &tenants); err != nil {
		require.Empty(t, tenants)
	}
	var failed cloudreplica.Entity
	_ = wire.DecodeError(data, &failed)
	_ = wire.Redact(data)

	var tenant cloudreplica.CloudTenant
	if err := wire.Decode(data, &tenant); err != nil {
		require.True(t, isOneLine(err.Error()), "%q", err.Error())
		require.Less(t, len(err.Error()), 1000)
		require.Zero(t, tenant)
		return
	}
	for _, format := range []wire.Format{wire.JSON, wire.XML} {
		document, err := wire.Encode(format, contract.Table, "CloudTenant", tenant)
		if err != nil {
			require.Equal(t, wire.XML, format, "JSON has a way to write everything")
			require.ErrorContains(t, err, "characters that cannot be sent")
			continue
		}
		var again cloudreplica.CloudTenant
		require.NoError(t, wire.Decode(document, &again), "%s", document)
		require.Equal(t, tenant, again, "%s", document)
	}
}

func isOneLine(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) }) < 0
}

// Whatever is in the place of XML: it ends in an error or in a tenant that survives.
func FuzzDecodeXML(f *testing.F) {
	root := `<CloudTenant xmlns="` + wire.Namespace + `"`
	seeds(f, ".xml", "<", "<a", "<a/>", "<a\u0085/>", root+"/>", root+"><LeaseOptions/><Resources><a/></Resources></CloudTenant>",
		root+` Href="&#0;"/>`, root+`><Description>&#13;&#x1F600; </Description></CloudTenant>`, `<!DOCTYPE a []>`+root+"/>",
		root+` xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><TenantType i:nil="true"/></CloudTenant>`,
		root+`><LastActive>0000-01-01T00:00:00</LastActive><CloudGatewayPools><a/><a>b</a></CloudGatewayPools></CloudTenant>`)
	f.Fuzz(survives)
}

// Whatever is in the place of JSON: it ends in an error or in a tenant that survives.
func FuzzDecodeJSON(f *testing.F) {
	seeds(f, ".json", "", "null", "{}", "[]", "{", `{"a":[`, `{"Name":"\ud800"}`, `{"Name":"\ud83d\ude00\u0000"}`, "\xef\xbb\xbf{}",
		`{"Resources":{"a":{"b":[{"Id":"x"}]}}}`, `{"Links":[{}],"links":[{"Rel":"\\\""}]}`, `{"LastActive":"9999-12-31T23:59:59.9999999-12:00"}`,
		`{"Enabled":"1","VmCount":1e2,"LeaseOptions":{"Enabled":false}}`, `{"TenantType":{"vCloudTenant":{"X":1}}}`, `{"CloudGatewayPools":["",null]}`)
	f.Fuzz(survives)
}

// plain is what both this package and encoding/json read alike.
type plain struct {
	Text  string   `json:"Text"`
	N     int64    `json:"N"`
	Truth bool     `json:"Truth"`
	Names []string `json:"Names"`
	Inner struct {
		Text string `json:"Text"`
		Name string `json:"Name"`
	} `json:"Inner"`
	Parts []part `json:"Parts"`
}

// What encoding/json reads, this package reads, and to the same effect. What it takes besides is no mistake.
func FuzzDecodeLikeEncodingJSON(f *testing.F) {
	for _, seed := range []string{
		`{"Text":"a","N":-7,"Truth":true,"Names":["x","\u00e4\ud800"],"Inner":{"Text":"b","Name":null},"Parts":[{"Id":"p","N":1},{},null]}`,
		`{"text":"\/\b\f\n\r\t\"\\","n":9223372036854775807,"names":[],"parts":null,"Other":{"Text":[1,{"a":"]}"}]}}`,
		` { "Text" : "\ufffd` + "\xff" + `" , "Inner" : { } , "X" : "\\" , "N" : 0 } `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var value any
		if json.Unmarshal(data, &value) != nil || repeats(value) {
			return
		}
		once, err := json.Marshal(value) // without names that come twice, of which the last does not count alike
		require.NoError(t, err)
		for _, document := range [][]byte{data, once} {
			var want, got plain
			if json.Unmarshal(document, &want) != nil || !bytes.Equal(document, once) && !bytes.Equal(compact(t, document), compact(t, once)) {
				continue
			}
			if _, isObject := value.(map[string]any); !isObject {
				require.Error(t, wire.Decode(document, &got))
				continue
			}
			require.NoError(t, wire.Decode(document, &got), "%s", document)
			if len(want.Names) == 0 {
				want.Names = nil
			}
			if len(want.Parts) == 0 {
				want.Parts = nil
			}
			require.Equal(t, want, got, "%s", document)
		}
	})
}

func compact(t testing.TB, data []byte) []byte {
	t.Helper()
	var short bytes.Buffer
	require.NoError(t, json.Compact(&short, data))
	return short.Bytes()
}

// repeats reports whether an object has two names that differ in letter case alone.
func repeats(value any) bool {
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			if repeats(one) {
				return true
			}
		}
	case map[string]any:
		seen := map[string]bool{}
		for name, one := range value {
			if folded := strings.ToLower(name); seen[folded] || repeats(one) {
				return true
			}
			seen[strings.ToLower(name)] = true
		}
	}
	return false
}
