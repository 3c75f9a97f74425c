package transport

import (
	"fmt"
	"mime"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// contentRange reads the header of a partial answer, as in "bytes 100-199/200", and returns the first byte
// and the length of the whole, or -1 where that is not said.
func contentRange(header string) (first, total int64, err error) {
	bad := fmt.Errorf("the service does not say which part of the file it sends (Content-Range %q)", header)
	unit, rest, found := strings.Cut(strings.TrimSpace(header), " ")
	if !found || !strings.EqualFold(unit, "bytes") {
		return 0, 0, bad
	}
	span, whole, _ := strings.Cut(strings.TrimSpace(rest), "/")
	from, to, _ := strings.Cut(span, "-")
	first, known := byteNumber(from)
	last, ends := byteNumber(to)
	if !known || !ends || last < first {
		return 0, 0, bad
	}
	if whole == "*" {
		return first, -1, nil
	}
	total, known = byteNumber(whole)
	if !known || total <= last {
		return 0, 0, bad
	}
	return first, total, nil
}

// rangeBeyond reads the header of an answer that has nothing of the part that was asked for, as in "bytes
// */200", and returns the length of the whole.
func rangeBeyond(header string) (total int64, said bool) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	length, whole := strings.CutPrefix(strings.TrimSpace(rest), "*/")
	if !whole || !strings.EqualFold(unit, "bytes") {
		return 0, false
	}
	return byteNumber(length)
}

// byteNumber reads a number of bytes, which has no sign.
func byteNumber(text string) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil
}

// longestName is what common file systems allow, less the room that a temporary name needs.
const longestName = 200

// fileName returns the name in a Content-Disposition header if it is a plain file name on every system, and
// otherwise nothing: it comes from the network and must not reach into other directories.
func fileName(header string) string {
	_, parameters, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	name := parameters["filename"]
	plain := len(name) <= longestName && filepath.IsLocal(name) && !strings.ContainsAny(name, `/\:*?"<>|`) &&
		!strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".") && !strings.HasSuffix(name, " ") &&
		strings.IndexFunc(name, unprintable) < 0 && strings.ToValidUTF8(name, "") == name && !reserved(name)
	if !plain {
		return ""
	}
	return name
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// reserved reports whether Windows takes a name for a device, whatever its extension.
func reserved(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	switch stem = strings.TrimSpace(stem); stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	return len(stem) > 3 && (strings.HasPrefix(stem, "COM") || strings.HasPrefix(stem, "LPT")) &&
		strings.Trim(stem[3:], "0123456789¹²³") == ""
}
