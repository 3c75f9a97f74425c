package vcavtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// cookieParameter is the query parameter of downloads without a session.
const cookieParameter = "cookie"

const usualBundleSize = 256 << 10

// SupportBundle is one support bundle: as [SupportBundles] makes it, and as [Server.SupportBundles] finds it.
// Only ID is needed to make one.
//
// Source: Cloud Director Availability API guide, "Support Bundles".
type SupportBundle struct {
	ID          string    // must be set; letters, digits and the characters - _ .
	GeneratedOn time.Time // default: an hour before the server starts
	Owner       string    // default: the administrators of the local site, as in "System@site2"
	Size        int64     // in bytes; default: that of [BundleSize]
}

// SupportBundles adds support bundles that are there from the beginning. There are none by default.
func SupportBundles(bundles ...SupportBundle) Option {
	return func(c *config) error {
		c.bundles = append(c.bundles, bundles...)
		return nil
	}
}

// BundleSize sets how many bytes support bundles have: 262144 by default. Their bytes are made while they are
// sent, of the bundle's id and the offset, so that also gigabytes take no memory; they are no archive.
// Bundles of one id and one size are the same in every server. The checksum is made when somebody asks for
// it first, which takes two seconds for a gigabyte.
func BundleSize(bytes int64) Option {
	return func(c *config) error {
		if bytes < 1 {
			return fmt.Errorf("BundleSize: %d bytes are none", bytes)
		}
		c.bundleSize = bytes
		return nil
	}
}

// CookieLife sets after how long a cookie for a download is no longer taken: five minutes by default, which
// nobody documents.
func CookieLife(life time.Duration) Option {
	return func(c *config) error {
		c.cookieLife = life
		return simkit.Positive("CookieLife", life)
	}
}

// SupportBundles returns the support bundles that can be downloaded, in the order in which they were generated.
func (s *Server) SupportBundles() []SupportBundle {
	a := s.lock()
	defer a.mu.Unlock()
	var found []SupportBundle
	for _, b := range a.bundles.all {
		found = append(found, SupportBundle{ID: b.id, GeneratedOn: b.generatedOn, Owner: b.owner, Size: b.content.size})
	}
	return found
}

// CorruptBundle lets downloads of a bundle send a byte with a flipped bit at an offset from now on, as from a
// bad disk: the checksum stays that of the true bytes. [Server.RepairBundle] ends it.
func (s *Server) CorruptBundle(id string, offset int64) {
	s.changeBundle("CorruptBundle", id, func(b *bundle) error {
		if offset < 0 || offset >= b.content.size {
			return fmt.Errorf("bundle %s has no byte at %d", id, offset)
		}
		if !slices.Contains(b.content.flipped, offset) {
			b.content.flipped = append(slices.Clone(b.content.flipped), offset) // downloads under way keep theirs
		}
		return nil
	})
}

// RepairBundle lets downloads of a bundle send its true bytes again.
func (s *Server) RepairBundle(id string) {
	s.changeBundle("RepairBundle", id, func(b *bundle) error {
		b.content.flipped = nil
		return nil
	})
}

func (s *Server) changeBundle(method, id string, change func(*bundle) error) {
	a := s.lock()
	defer a.mu.Unlock()
	err := fmt.Errorf("there is no bundle %q", id)
	if b := a.bundles.find(id); b != nil {
		err = change(b)
	}
	if err != nil {
		s.kit.Complain("%s: %v", method, err)
	}
}

// bundles are those of the appliance, and the cookies for them.
type bundles struct {
	all     []*bundle       // in the order in which they were generated
	coming  map[string]bool // ids of those that are being generated
	cookies map[string]bundleCookie
}

// bundleCookie is good for one download of one bundle.
type bundleCookie struct {
	bundle *bundle
	until  time.Time
}

// bundle is the state of one support bundle.
type bundle struct {
	id, owner   string
	generatedOn time.Time
	content     content
	checksum    func() string // of the true bytes, made once
	deleting    bool
}

func newBundles() bundles {
	return bundles{coming: map[string]bool{}, cookies: map[string]bundleCookie{}}
}

func newBundle(id, owner string, size int64, at time.Time) *bundle {
	made := newContent(id, size)
	return &bundle{id: id, owner: owner, generatedOn: at, content: made, checksum: sync.OnceValue(made.checksum)}
}

func (g *bundles) find(id string) *bundle {
	for _, b := range g.all {
		if b.id == id {
			return b
		}
	}
	return nil
}

// remove forgets a bundle and the cookies for it.
func (g *bundles) remove(gone *bundle) {
	g.all = slices.DeleteFunc(g.all, func(b *bundle) bool { return b == gone })
	for value, cookie := range g.cookies {
		if cookie.bundle == gone {
			delete(g.cookies, value)
		}
	}
}

// bundleBody is a bundle as answers show it.
type bundleBody struct {
	ID          string   `json:"id"`
	GeneratedOn int64    `json:"generatedOn"`
	SHA         lateText `json:"sha"`
	Owner       string   `json:"owner"`
}

// lateText is a text that is not made before it is written.
type lateText func() string

// MarshalJSON makes and writes the text.
func (l lateText) MarshalJSON() ([]byte, error) { return json.Marshal(l()) }

func (b *bundle) body() bundleBody {
	return bundleBody{ID: b.id, GeneratedOn: millis(b.generatedOn), SHA: b.checksum, Owner: b.owner}
}

// addBundle adds a bundle that is there from the beginning.
func (a *appliance) addBundle(given SupportBundle) error {
	switch {
	case !goodBundleID(given.ID):
		return fmt.Errorf("%q is no id", given.ID)
	case a.bundles.find(given.ID) != nil:
		return fmt.Errorf("there are two bundles with the id %s", given.ID)
	case given.Size < 0:
		return fmt.Errorf("%s: %d bytes are none", given.ID, given.Size)
	}
	if given.Size == 0 {
		given.Size = a.config.bundleSize
	}
	if given.GeneratedOn.IsZero() {
		given.GeneratedOn = a.now.Add(-time.Hour)
	}
	owner := or(given.Owner, systemOrg+"@"+a.local().name)
	a.bundles.all = append(a.bundles.all, newBundle(given.ID, owner, given.Size, given.GeneratedOn))
	return nil
}

// goodBundleID keeps ids out that would have to be quoted in the name of a file.
func goodBundleID(id string) bool {
	return id != "" && strings.IndexFunc(id, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && !strings.ContainsRune("-_.", c)
	}) < 0
}
