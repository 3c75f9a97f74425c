package vcavtest

import (
	"cmp"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// vendorType is how all media types of the API begin; the version follows.
const vendorType = "application/vnd.vmware.h4-v"

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
func (v apiVersion) contentType() string { return v.mediaType("+json") }

// mediaType is what requests in this version ask for, in a format.
func (v apiVersion) mediaType(format string) string {
	return vendorType + v.String() + format + ";charset=UTF-8"
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

// formatOf is what the media types end in with which an operation is asked for.
func formatOf(operation api.Operation) string {
	switch operation.Name {
	case contract.SupportBundlesDownload.Name, contract.SupportBundlesDownloadWithCookie.Name:
		return "+octet-stream"
	default:
		return "+json"
	}
}

// askedVersions returns the versions of the API that an Accept header takes in a format, in its order.
func askedVersions(accept, format string) []apiVersion {
	var versions []apiVersion
	for part := range strings.SplitSeq(accept, ",") {
		mediaType, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		if charset, named := parameters["charset"]; named && !strings.EqualFold(charset, "utf-8") {
			continue
		}
		text, ours := strings.CutPrefix(mediaType, vendorType)
		text, fits := strings.CutSuffix(text, format)
		if version, ok := parseVersion(text); ours && fits && ok {
			versions = append(versions, version)
		}
	}
	return versions
}

// checkAccept says what is wrong with an Accept header. Real appliances take none, too, and then answer in
// a version of their choice; a typed client must not leave that to them. Browsers do, for which the guide
// has downloads with a cookie.
func checkAccept(operation api.Operation, header http.Header) string {
	accept, format := header.Get("Accept"), formatOf(operation)
	if len(askedVersions(accept, format)) == 0 && !ofBrowser(operation, accept) {
		return fmt.Sprintf("Accept is %q instead of something like %q", accept, apiVersion{4, 1}.mediaType(format))
	}
	return ""
}

// ofBrowser reports whether an Accept header may leave the version to the appliance.
func ofBrowser(operation api.Operation, accept string) bool {
	return operation.Name == contract.SupportBundlesDownloadWithCookie.Name && !strings.Contains(accept, vendorType)
}

// negotiate returns the version in which to answer.
func negotiate(operation api.Operation, header http.Header, newest apiVersion) (apiVersion, error) {
	accept := header.Get("Accept")
	for _, version := range askedVersions(accept, formatOf(operation)) {
		if version.compare(oldest) >= 0 && version.compare(newest) <= 0 {
			return version, nil
		}
	}
	if ofBrowser(operation, accept) {
		return newest, nil
	}
	return newest, refuse(http.StatusNotAcceptable, CodeVersionNotSupported,
		"This appliance speaks versions %s to %s.", oldest, newest)
}
