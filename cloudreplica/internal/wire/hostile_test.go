package wire_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/internal/wire"
)

const (
	mebibyte = 1 << 20
	// body is the longest answer that a client takes by default.
	body = 16 * mebibyte
)

// hostile are documents made to cost more than their length is worth.
func hostile(length int) map[string]string {
	fill := func(begin, part, end string) string { return begin + strings.Repeat(part, length/len(part)) + end }
	root := `<CloudTenants xmlns="` + wire.Namespace + `"`
	entities := "<!DOCTYPE a [<!ENTITY a \"" + strings.Repeat("a", 100) + "\">"
	for i := range 30 {
		entities += fmt.Sprintf("<!ENTITY a%d \"%s\">", i, strings.Repeat("&a;", 10))
	}
	return map[string]string{
		"entity bomb":                entities + "]>" + root + ">&a29;</CloudTenants>",
		"entity from elsewhere":      `<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + root + ">&a;</CloudTenants>",
		"depth of elements":          fill(root+">", "<a>", ""),
		"depth of known elements":    fill(root+">", "<CloudTenant><Links><Link><VmReplicaPointLink>", ""),
		"depth of arrays":            fill(`{"CloudTenants":`, "[", ""),
		"depth of arrays, closed":    strings.Repeat("[", length/2) + strings.Repeat("]", length/2),
		"depth of objects":           fill("", `{"CloudTenants":`, ""),
		"depth in an unknown member": `{"CloudTenants":[{"X":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}]}`,
		"empty elements":             fill(root+">", "<a/>", "</CloudTenants>"),
		"empty objects":              fill(`{"CloudTenants":[{}`, ",{}", "]}"),
		"nulls":                      fill(`{"CloudTenants":[null`, ",null", "]}"),
		"objects in one":             fill(`{"CloudTenants":[{"Name":"x"`, `,"LeaseOptions":{}`, "}]}"),
		"lists in one":               fill(`{"CloudTenants":[{"Name":"x"`, `,"Resources":[{}]`, "}]}"),
		"a huge attribute":           fill(root+` Href="`, "aaaaaaaa", `"/>`),
		"a huge attribute, open":     fill(root+` Href="`, "aaaaaaaa", ``),
		"many attributes":            fill(root+">"+"<CloudTenant", ` Name="x"`, "/></CloudTenants>"),
		"many unknown attributes":    fill(root, ` a="x"`, "/>"),
		"a huge name":                fill(root+">"+"<a", "aaaaaaaa", "/></CloudTenants>"),
		"a huge name that is none":   fill("<a", "\x95", "/>"),
		"a huge encoding":            fill(`<?xml version="1.0" encoding="`, "latin-9-", `"?>`),
		"a huge entity":              fill(root+">&", "aaaaaaaa", ";</CloudTenants>"),
		"a huge name in JSON":        fill(`{"CloudTenants":[{"a`, "aaaaaaaa", `":1}]}`),
		"a huge text":                fill(root+">"+"<CloudTenant><Description>", "aaaaaaaa", "</Description></CloudTenant></CloudTenants>"),
		"a huge text of escapes":     fill(`{"CloudTenants":[{"Name":"`, `\u0041\n`, `"}]}`),
		"a text of backslashes":      fill(`{"CloudTenants":[{"Name":"`, `\\\\\"`, `"}]}`),
		"a huge number":              fill(`{"CloudTenants":[{"VmCount":1`, "00000000", "}]}"),
		"a huge number in XML":       fill(root+"><CloudTenant><VmCount>1", "00000000", "</VmCount></CloudTenant></CloudTenants>"),
		"a huge comment":             fill(root+"><!-- ", "aaaaaaaa", " -->"),
		"comments":                   fill(root+">", "<!---->", "</CloudTenants>"),
		"instructions":               fill(root+">", "<?a b?>", "</CloudTenants>"),
		"sections":                   fill(root+"><CloudTenant><Description>", "<![CDATA[]]>", "</Description></CloudTenant></CloudTenants>"),
		"white space":                fill(root+">", "        ", ""),
		"white space in JSON":        fill("[", "        ", ""),
		"wrappers":                   fill(`{"a":`, `{"b":`, ""),
		"empty wrappers":             fill(`{"z":null`, `,"a":{}`, "}"),
		"members of a wrapper":       fill(`{"CloudTenants":[]`, `,"a":1`, "}"),
		"zeros":                      fill("", "\x00\x00\x00\x00", ""),
		"marks":                      fill("", "\xef\xbb\xbf", root+"/>"),
		"UTF-16":                     fill("\xff\xfe", "<\x00a\x00>\x00", ""),
		"character references":       fill(root+"><CloudTenant><Description>", "&#x41;", "</Description></CloudTenant></CloudTenants>"),
		"bad UTF-8":                  fill(`{"CloudTenants":[{"Name":"`, "\xff\xfe", `"}]}`),
	}
}

// Whatever it is, it ends in one line or in tenants, and takes a small multiple of its length. It runs alone: it
// measures the memory of the process.
func TestHostileDocuments(t *testing.T) {
	for name, document := range hostile(mebibyte) {
		t.Run(name, func(t *testing.T) { endures(t, document, mebibyte) })
	}
}

// endures checks that a document does no harm. How long it takes is reported alone.
func endures(t *testing.T, document string, length int) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	var tenants []cloudreplica.CloudTenant
	err := wire.Decode([]byte(document), &tenants)
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	if err != nil {
		assert.Less(t, len(err.Error()), 300)
		assert.NotContains(t, err.Error(), "\n")
		assert.Empty(t, tenants, "half a list is none")
	}
	t.Logf("%v: %v", took.Round(time.Millisecond), err)
	allocated := after.TotalAlloc - before.TotalAlloc
	assert.LessOrEqual(t, allocated, uint64(90*length), "%d times its length", allocated/uint64(len(document)))
}

// The items of a list are few enough for the bytes they come in.
func TestListsThatAreTooLong(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		`{"CloudTenants":[` + strings.Repeat("{},", mebibyte/3) + `{}]}`,
		`<CloudTenants xmlns="` + wire.Namespace + `">` + strings.Repeat("<a/>", mebibyte/4) + `</CloudTenants>`,
		`{"CloudTenants":[{"LeaseOptions":{}` + strings.Repeat(`,"LeaseOptions":{}`, mebibyte/18) + `,"a":{}}` + strings.Repeat(",{}", mebibyte/3) + `]}`,
	} {
		var tenants []cloudreplica.CloudTenant
		require.EqualError(t, wire.Decode([]byte(document), &tenants), "more items than a document of this length can have")
	}
	// Rows as short as any that say something are not too many.
	short := `{"CloudTenants":[` + strings.Repeat(`{"UID":"urn:veeam:CloudTenant:0b3f8c1e-4a70-4be5-9a55-5a5c1f6fa1c2","Name":"a","Href":"https://em/api/cloud/tenants/0b3f8c1e-4a70-4be5-9a55-5a5c1f6fa1c2"},`, 50000) + `{}]}`
	var tenants []cloudreplica.CloudTenant
	require.NoError(t, wire.Decode([]byte(short), &tenants))
	assert.Len(t, tenants, 50001)
}

// four is large where it holds itself often enough.
type four[T any] struct {
	A T `json:"A"`
	B T `json:"B"`
	C T `json:"C"`
	D T `json:"D"`
}

// What is large and stands for nothing is made and thrown away: so often, and no more, as the document is long.
func TestObjectsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	var out struct {
		Part *four[four[four[four[string]]]] `json:"Part"`
	}
	repeated := func(times int) []byte { return []byte(`{"Part":{}` + strings.Repeat(`,"Part":{}`, times) + "}") }
	require.NoError(t, wire.Decode(repeated(10), &out))
	require.ErrorContains(t, wire.Decode(repeated(1000), &out), "more items than a document of this length can have")
}

// Elements may be nested no deeper than any the service has.
func TestDepth(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string {
		return `<CloudTenants xmlns="` + wire.Namespace + `">` + strings.Repeat("<a>", depth) + strings.Repeat("</a>", depth) + `</CloudTenants>`
	}
	var tenants []cloudreplica.CloudTenant
	require.NoError(t, wire.Decode([]byte(nested(63)), &tenants))
	require.ErrorContains(t, wire.Decode([]byte(nested(64)), &tenants), "nested more than 64 deep")
}

// Every beginning of a document is an error, and none of them a shorter list.
func TestTruncatedDocuments(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		`<?xml version="1.0" encoding="utf-8"?><CloudTenants xmlns="` + wire.Namespace + `"><CloudTenant Name="a &amp; b" UID="u"><Links><Link Rel="Up"/></Links><!-- c --><Description>d</Description></CloudTenant></CloudTenants>`,
		`{"CloudTenants":[{"Name":"a \u0026 b","UID":"u","Links":[{"Rel":"Up"}],"Description":"d","Enabled":true,"VmCount":12}]}`,
	} {
		for length := range len(document) {
			var tenants []cloudreplica.CloudTenant
			require.Error(t, wire.Decode([]byte(document[:length]), &tenants), "%q", document[:length])
		}
		var tenants []cloudreplica.CloudTenant
		require.NoError(t, wire.Decode([]byte(document), &tenants))
		assert.Len(t, tenants, 1)
	}
}

// The longest answer that a client takes is no worse than a short one. It runs alone, as TestHostileDocuments does.
func TestLongestHostileDocument(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for name, document := range hostile(body) {
		t.Run(name, func(t *testing.T) { endures(t, document, body) })
	}
}
