package transport

import (
	"fmt"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tests of what a header says are in the package itself, because the fuzzer is too fast for a server.

func TestFileName(t *testing.T) {
	t.Parallel()
	inline := func(name string) string { return `inline; filename="` + name + `"` }
	for header, want := range map[string]string{
		inline("cloud-bundle-2f0c.tar.bz2"):       "cloud-bundle-2f0c.tar.bz2",
		inline("cloud-bundle-null_UTC.tar.bz2"):   "cloud-bundle-null_UTC.tar.bz2",
		inline("with spaces (1).tar"):             "with spaces (1).tar",
		inline("-rf"):                             "-rf",
		inline("a..b"):                            "a..b",
		inline("com.tar"):                         "com.tar",
		inline("console.log"):                     "console.log",
		inline("COMMON"):                          "COMMON",
		inline("日本語.tar"):                         "日本語.tar",
		`attachment; filename=plain.tar`:          "plain.tar",
		`Inline; FILENAME="x.tar"; size=5`:        "x.tar",
		`inline; filename*=UTF-8''%e2%82%ac.tar`:  "€.tar",
		`inline; filename*=UTF-8''%2e%2e%2fx`:     "",
		`inline; filename*=UTF-8''a%00b`:          "",
		`inline; filename*0="a/"; filename*1="b"`: "",
		inline(strings.Repeat("x", 200)):          strings.Repeat("x", 200),
		inline(strings.Repeat("x", 201)):          "",
		inline(""):                                "",
		inline("."):                               "",
		inline(".."):                              "",
		inline("..."):                             "",
		inline(".hidden"):                         "",
		inline("dot."):                            "",
		inline("space "):                          "",
		inline("a/b"):                             "",
		inline("/a"):                              "",
		inline(`a\\b`):                            "",
		inline("C:a"):                             "",
		inline("a:stream"):                        "",
		inline("a*"):                              "",
		inline("a?"):                              "",
		inline("a|b"):                             "",
		inline("a<b>"):                            "",
		inline(`a\"b`):                            "",
		inline("a\tb"):                            "",
		inline("a\x7fb"):                          "",
		inline("a\u202etxt.exe"):                  "", // turns what follows around
		inline("a\u2028b"):                        "",
		inline("a\xffb"):                          "",
		inline("CON"):                             "",
		inline("con.tar.bz2"):                     "",
		inline("Nul .txt"):                        "",
		inline("COM1"):                            "",
		inline("lpt9.log"):                        "",
		inline("COM¹"):                            "",
		inline("conout$"):                         "",
		`inline; filename=`:                       "",
		`inline; name=x`:                          "",
		`filename=x`:                              "",
		`inline; filename=a; filename=b`:          "",
		``:                                        "",
	} {
		assert.Equal(t, want, fileName(header), header)
	}
}

// Whatever a header says: a name is one file in the directory, on every system.
func FuzzContentDisposition(f *testing.F) {
	for _, header := range []string{
		`inline; filename="cloud-bundle-2f0c-2017-07-13_07-05-48_UTC.tar.bz2"`, `attachment; filename=x`, `inline; filename=".."`,
		`inline; filename*=UTF-8''%2e%2e%2fetc%2fpasswd`, `inline; filename*0="a/"; filename*1="../b"`, `inline; filename="a\\..\\b"`,
		`inline; filename="C:x"`, `inline; filename="NUL.tar"`, "inline; filename=\"a\x00b\"", `inline; filename="=?UTF-8?Q?=2e=2e?="`,
	} {
		f.Add(header)
	}
	directory := f.TempDir()
	f.Fuzz(func(t *testing.T, header string) {
		name := fileName(header)
		if name == "" {
			return
		}
		require.Equal(t, name, fileName(header))
		require.True(t, utf8.ValidString(name), "%q", name)
		require.NotContains(t, []string{".", ".."}, name)
		require.False(t, strings.ContainsAny(name, `/\:*?"<>|`), "%q", name)
		require.False(t, strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }), "%q", name)
		require.Equal(t, name, strings.TrimRight(strings.TrimLeft(name, "."), ". "))
		path := filepath.Join(directory, name)
		require.Equal(t, directory, filepath.Dir(path))
		require.Equal(t, name, filepath.Base(path))
		require.NoError(t, os.WriteFile(path, nil, 0o600), "%q", name)
		require.NoError(t, os.Remove(path))
		if again := mime.FormatMediaType("inline", map[string]string{"filename": name}); again != "" {
			require.Equal(t, name, fileName(again))
		}
	})
}

func TestContentRange(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][2]int64{
		"bytes 0-0/1":       {0, 1},
		"bytes 100-199/200": {100, 200},
		"Bytes 100-199/200": {100, 200},
		" bytes  5-9/10 ":   {5, 10},
		"bytes 5-9/*":       {5, -1},
		"bytes 0-9/10":      {0, 10},
		"bytes 5-6/10":      {5, 10}, // less than what was asked for
		"bytes 0-9223372036854775806/9223372036854775807": {0, 9223372036854775807},
	} {
		first, total, err := contentRange(header)
		require.NoError(t, err, header)
		assert.Equal(t, want, [2]int64{first, total}, header)
	}
	for _, header := range []string{
		"", "bytes", "bytes ", "bytes */200", "bytes 100-199", "bytes 100-199/", "bytes 100/200", "bytes -5-9/10", "bytes 9-5/10",
		"bytes 5-10/10", "bytes 5-9/5", "bytes=5-9/10", "lines 5-9/10", "bytes 5-9/10/10", "bytes 5-9/1e3", "bytes +5-+9/+10", "bytes 5-9/-1",
		"bytes 0-9223372036854775807/9223372036854775808", "bytes 0x5-9/10", "bytes 5 - 9 / 10", "bytes 5-9/10, 20-29/30",
	} {
		_, _, err := contentRange(header)
		require.ErrorContains(t, err, fmt.Sprintf("%q", header))
	}
}

func TestRangeBeyond(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]int64{"bytes */200": 200, "Bytes  */0": 0, " bytes */7 ": 7} {
		total, said := rangeBeyond(header)
		assert.True(t, said, header)
		assert.Equal(t, want, total, header)
	}
	for _, header := range []string{"", "bytes", "bytes */", "bytes */*", "bytes 1-2/3", "lines */200", "bytes */-1", "bytes */2x", "*/200"} {
		_, said := rangeBeyond(header)
		assert.False(t, said, header)
	}
}

// Whatever a header says: a part lies within the file, and what cannot be read is an error of one line.
func FuzzContentRange(f *testing.F) {
	for _, header := range []string{
		"bytes 0-0/1", "bytes 100-199/200", "bytes 5-9/*", "bytes */10", "bytes 9223372036854775807-0/1", "bytes -1--1/-1", "lines 1-2/3", "bytes 1-2/3\n",
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if end, said := rangeBeyond(header); said {
			require.GreaterOrEqual(t, end, int64(0))
			require.Contains(t, header, "*/")
		}
		first, total, err := contentRange(header)
		if err != nil {
			require.Zero(t, first)
			require.Zero(t, total)
			require.False(t, strings.ContainsFunc(err.Error(), func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }), "%q", err)
			return
		}
		require.GreaterOrEqual(t, first, int64(0))
		require.True(t, total == -1 || total > first, "%d of %d", first, total)
		again, same, err := contentRange(fmt.Sprintf("bytes %d-%d/*", first, first))
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.EqualValues(t, -1, same)
	})
}

// Whatever stands for a checksum: it is an error of one line, or one that reads the same when it is written.
func FuzzChecksum(f *testing.F) {
	for _, text := range []string{
		"SHA-512:" + strings.Repeat("2C:", 63) + "A0", "sha256:" + strings.Repeat("0", 64), "SHA-512:2C:...:ED:A0", "MD5:00", ":", "SHA:", "SHA--512:",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sum, err := parseChecksum(text)
		if err != nil {
			require.False(t, strings.ContainsFunc(err.Error(), unicode.IsControl), "%q", err)
			return
		}
		require.Len(t, sum.sum, sum.hash().Size())
		again, err := parseChecksum(sum.format(sum.sum))
		require.NoError(t, err)
		require.True(t, again.matches(sum.sum))
		require.Equal(t, sum.algorithm, again.algorithm)
	})
}
