package cloudreplicatest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

// accepted are the values of Accept that the guide names, and the one with which the service is known to answer XML.
var accepted = []string{"", xmlType, jsonType, "*/*"}

// checkHeader refuses an Accept of several types, and a body in another encoding than Accept asks for: the service
// reads the body by Accept.
func checkHeader(_ api.Operation, header http.Header) string {
	accept := strings.TrimSpace(strings.Join(header.Values("Accept"), ","))
	if !slices.Contains(accepted, strings.ToLower(accept)) {
		return fmt.Sprintf("Accept is %q instead of one of the media types", accept)
	}
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	if kind = strings.TrimSpace(kind); kind != "" && (kind == jsonType) != wantsJSON(header) {
		return fmt.Sprintf("Content-Type is %q, but Accept is %q: Node [root] does not exist", kind, accept)
	}
	return ""
}

// checkQuery refuses forms that there are not, and a page that is none. What filters and fields there are is the
// service's business.
func checkQuery(operation api.Operation, q url.Values) []string {
	var problems []string
	form := "Entity"
	if operation.Name == contract.QueryFind.Name {
		form = "Entities"
		if !q.Has("type") {
			problems = append(problems, `query parameter "type" is missing`)
		}
	}
	if given := q.Get("format"); given != "" && !strings.EqualFold(given, form) {
		problems = append(problems, fmt.Sprintf("format is %q, which here can only be %q", given, form))
	}
	for _, name := range []string{"page", "pageSize"} {
		if _, err := strconv.Atoi(q.Get(name)); q.Has(name) && err != nil {
			problems = append(problems, fmt.Sprintf("%s is %q, which is no number", name, q.Get(name)))
		}
	}
	return problems
}

// checkXML holds an XML body against the contract.
func checkXML(table api.Table, schema string, body []byte) []string {
	_, problems := readXML(table, schema, body)
	return problems
}

// read reads the body, which has been checked.
func (v *visit) read(into any) error {
	body := v.call.Body
	if !wantsJSON(v.call.Header) {
		content, problems := readXML(contract.Table, v.call.Operation.Body, body)
		if len(problems) > 0 {
			return refuse(http.StatusBadRequest, "%s", strings.Join(problems, "; "))
		}
		body, _ = json.Marshal(content) // made of maps, texts, numbers and truths
	}
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return refuse(http.StatusBadRequest, "The body is not valid: %v", err)
	}
	return nil
}

// resourceOf is what a request is about: of a tenant that is to be made, its name.
func (e *enterprise) resourceOf(call *simkit.Call) string {
	if call.Operation.Name == contract.TenantsCreate.Name {
		var spec struct{ Name string }
		v := &visit{enterprise: e, call: call}
		if v.read(&spec) == nil {
			return spec.Name
		}
	}
	return call.Resource
}
