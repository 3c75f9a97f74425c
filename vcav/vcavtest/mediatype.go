package vcavtest

import (
	"cmp"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
)

// oldest is the first version of the API that every server speaks.
var oldest = apiVersion{major: 3}

// apiVersion is the version in a media type, as in h4-v4.1 and h4-v4.
type apiVersion struct{ major, minor int }

// String returns "4.1", or "4" where the minor version is zero.
func (v apiVersion) String() string {
	if v.minor == 0 {
		return strconv.Itoa(v.major)
	}
	return fmt.Sprintf("%d.%d", v.major, v.minor)
}

func (v apiVersion) compare(other apiVersion) int {
	return cmp.Or(cmp.Compare(v.major, other.major), cmp.Compare(v.minor, other.minor))
}

// contentType is what answers in this version are labelled with.
func (v apiVersion) contentType() string {
	return "application/vnd.vmware.h4-v" + v.String() + "+json;charset=UTF-8"
}

// parseVersion reads "4", "4.1" and longer ones such as "4.1.0".
func parseVersion(text string) (apiVersion, bool) {
	parts := strings.Split(text, ".")
	major, err := strconv.Atoi(parts[0])
	if err != nil || major < 1 {
		return apiVersion{}, false
	}
	minor := 0
	if len(parts) > 1 {
		if minor, err = strconv.Atoi(parts[1]); err != nil || minor < 0 {
			return apiVersion{}, false
		}
	}
	return apiVersion{major: major, minor: minor}, true
}

// askedVersions returns the versions of the API that an Accept header takes, in its order.
func askedVersions(accept string) []apiVersion {
	var versions []apiVersion
	for part := range strings.SplitSeq(accept, ",") {
		mediaType, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		if charset, named := parameters["charset"]; named && !strings.EqualFold(charset, "utf-8") {
			continue
		}
		text, ours := strings.CutPrefix(mediaType, "application/vnd.vmware.h4-v")
		text, json := strings.CutSuffix(text, "+json")
		if version, ok := parseVersion(text); ours && json && ok {
			versions = append(versions, version)
		}
	}
	return versions
}

// checkAccept says what is wrong with an Accept header. Real appliances take none, too, and then answer in
// a version of their choice; a typed client must not leave that to them.
func checkAccept(_ api.Operation, header http.Header) string {
	accept := header.Get("Accept")
	if len(askedVersions(accept)) == 0 {
		return fmt.Sprintf("Accept is %q instead of something like %q", accept, apiVersion{4, 1}.contentType())
	}
	return ""
}

// negotiate returns the version in which to answer.
func negotiate(header http.Header, newest apiVersion) (apiVersion, error) {
	for _, version := range askedVersions(header.Get("Accept")) {
		if version.compare(oldest) >= 0 && version.compare(newest) <= 0 {
			return version, nil
		}
	}
	return newest, refuse(http.StatusNotAcceptable, CodeVersionNotSupported,
		"This appliance speaks versions %s to %s.", oldest, newest)
}
