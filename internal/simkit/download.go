package simkit

import (
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// Download answers with content, or with the part of it that a Range header asks for; a range that begins
// behind its end is answered with what beyond is, a 416 in the service's own format. There are no
// validators, and so an If-Range never matches. Several ranges at once, other units and ranges that do not
// parse count as none: RFC 9110 leaves that to the server.
func Download(request, header http.Header, content io.ReaderAt, size int64, beyond Answer) Answer {
	header = maps.Clone(header)
	header.Set("Accept-Ranges", "bytes")
	asked, partial := requestedRange(request, size)
	switch {
	case !partial:
		return Answer{Status: http.StatusOK, Header: header, Stream: io.NewSectionReader(content, 0, size), Length: size}
	case asked.length == 0:
		beyond.Header = beyond.Header.Clone()
		beyond.Header.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		return beyond
	}
	header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", asked.start, asked.start+asked.length-1, size))
	return Answer{
		Status: http.StatusPartialContent, Header: header,
		Stream: io.NewSectionReader(content, asked.start, asked.length), Length: asked.length,
	}
}

// byteRange is a part of some content; one of no length is behind its end.
type byteRange struct{ start, length int64 }

// requestedRange returns the one range that a request asks for, if it does.
func requestedRange(request http.Header, size int64) (asked byteRange, partial bool) {
	fields := request.Values("Range")
	if len(fields) != 1 || request.Get("If-Range") != "" {
		return byteRange{}, false
	}
	unit, set, _ := strings.Cut(fields[0], "=")
	if !strings.EqualFold(unit, "bytes") {
		return byteRange{}, false
	}
	first, last, ok := strings.Cut(strings.Trim(set, ", \t"), "-") // a list may have empty elements
	from, fromOK := position(first)
	to, toOK := position(last)
	switch {
	case !ok:
		return byteRange{}, false
	case first == "" && toOK: // the last so many bytes
		length := min(to, size)
		return byteRange{size - length, length}, true
	case !fromOK || (last != "" && (!toOK || to < from)):
		return byteRange{}, false
	case from >= size:
		return byteRange{}, true
	case last == "" || to >= size:
		to = size - 1
	}
	return byteRange{from, to - from + 1}, true
}

// position reads the digits of a position. One that is too large to be told from others is as far as any.
func position(digits string) (int64, bool) {
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	at, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		at = math.MaxInt64
	}
	return at, true
}
