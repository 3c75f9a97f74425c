package vcavtest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

func (a *appliance) findBundle(call *simkit.Call) (*bundle, error) {
	id := call.Arguments["bundleId"]
	if b := a.bundles.find(id); b != nil {
		return b, nil
	}
	return nil, refuse(http.StatusNotFound, CodeBundleNotFound, "Support bundle with id '%s' was not found.", id)
}

func (a *appliance) listBundles(*simkit.Call, *visit) (any, error) {
	bodies := []bundleBody{}
	for _, b := range a.bundles.all {
		bodies = append(bodies, b.body())
	}
	return bodies, nil
}

func (a *appliance) generateBundle(call *simkit.Call, v *visit) (any, error) {
	return a.generate(call, v, freshID(), &task{kind: unknown, resourceType: unknown})
}

// generateBundleWithID refuses an id that is taken: whether it is free again after its bundle has been
// deleted nobody documents, and here it is.
func (a *appliance) generateBundleWithID(call *simkit.Call, v *visit) (any, error) {
	id := call.Arguments["bundleId"]
	switch {
	case !goodBundleID(id):
		return nil, refuse(http.StatusBadRequest, CodeBadUserInput, "'%s' cannot be the id of a support bundle.", id)
	case a.bundles.coming[id] || a.bundles.find(id) != nil:
		return nil, refuse(http.StatusConflict, CodeBundleExists, "There is a support bundle with the id '%s'.", id)
	}
	return a.generate(call, v, id, &task{kind: typeGenerate, resourceType: resourceSupportBundle, resourceID: id})
}

// generate completes and starts a task that makes a bundle.
func (a *appliance) generate(call *simkit.Call, v *visit, id string, t *task) (any, error) {
	owner := v.session.orgAt(v.site) + "@" + v.site.name
	call.Resource = id
	a.bundles.coming[id] = true
	t.resultType = resultSupportBundle
	t.failed = func() { delete(a.bundles.coming, id) }
	t.effect = func(at time.Time) *refusal {
		delete(a.bundles.coming, id)
		made := newBundle(id, owner, a.config.bundleSize, at)
		a.bundles.all = append(a.bundles.all, made)
		t.result = made.body()
		return nil
	}
	return a.begin(call, v, t)
}

// deleteBundle leaves the bundle where it is until the task succeeds. Downloads that have begun go on.
func (a *appliance) deleteBundle(call *simkit.Call, v *visit) (any, error) {
	b, err := a.findBundle(call)
	if err != nil {
		return nil, err
	}
	if b.deleting {
		return nil, refuse(http.StatusConflict, CodeOperationInProgress, "Support bundle '%s' is being deleted.", b.id)
	}
	b.deleting = true
	t := &task{kind: unknown, resourceType: unknown, resultType: resultSupportBundle}
	t.failed = func() { b.deleting = false }
	t.effect = func(time.Time) *refusal {
		a.bundles.remove(b)
		t.result = b.body()
		return nil
	}
	return a.begin(call, v, t)
}

type cookieBody struct {
	Cookie string `json:"cookie"`
}

func (a *appliance) createCookie(call *simkit.Call, _ *visit) (any, error) {
	b, err := a.findBundle(call)
	if err != nil {
		return nil, err
	}
	value := freshToken()
	a.bundles.cookies[value] = bundleCookie{bundle: b, until: a.now.Add(a.config.cookieLife)}
	return cookieBody{Cookie: value}, nil
}

func (a *appliance) downloadBundle(call *simkit.Call, v *visit) (any, error) {
	b, err := a.findBundle(call)
	if err != nil {
		return nil, err
	}
	return b.download(call, v, b.id), nil
}

// downloadWithCookie takes "one-time" at its word: one request uses a cookie up, whatever becomes of the
// answer and however little of it was asked for. A request for another bundle does not.
func (a *appliance) downloadWithCookie(call *simkit.Call, v *visit) (any, error) {
	value := call.Query.Get(cookieParameter)
	cookie, known := a.bundles.cookies[value]
	if !known || cookie.bundle.id != call.Arguments["bundleId"] || !a.now.Before(cookie.until) {
		return nil, notAuthenticated()
	}
	delete(a.bundles.cookies, value)
	return cookie.bundle.download(call, v, "null"), nil
}

// download answers with the bytes of a bundle, under a name that the guide makes of the id or of null.
func (b *bundle) download(call *simkit.Call, v *visit, name string) simkit.Answer {
	stamp := b.generatedOn.UTC().Format("2006-01-02_15-04-05")
	header := http.Header{
		"Content-Type":        {"application/x-gtar"},
		"Content-Disposition": {fmt.Sprintf(`inline; filename="cloud-bundle-%s-%s_UTC.tar.bz2"`, name, stamp)},
	}
	beyond := errorAnswer(refuse(http.StatusRequestedRangeNotSatisfiable, CodeRangeBeyondTheEnd,
		"Support bundle '%s' has %d bytes.", b.id, b.content.size), v.version)
	return simkit.Download(call.Header, header, b.content, b.content.size, beyond)
}
