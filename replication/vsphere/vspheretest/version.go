package vspheretest

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// version is that of the product, as far as anything depends on it.
type version struct{ major, minor int }

var (
	// oldest is the first version with this API.
	oldest = version{8, 6}
	// limiting is the first version that limits rates.
	limiting = version{8, 8}
	// recovering is the first version with the recovery operations, by our choice.
	recovering = version{9, 0}
)

func (v version) before(other version) bool {
	return cmp.Or(cmp.Compare(v.major, other.major), cmp.Compare(v.minor, other.minor)) < 0
}

// String returns the version as answers show it.
func (v version) String() string { return fmt.Sprintf("%d.%d.0", v.major, v.minor) }

// ProductVersion sets the version of the product, as in "8.8"; "9.0" by default. There is no API before 8.6 and no
// rate limiter before 8.8. The operations that were added to specification 2.0.0 (tests, images, instances,
// capabilities, inventory and mappings) are there from 9.0 on, which is our choice, because nobody documents in
// which release they came; before they answer 404.
func ProductVersion(text string) Option {
	return func(c *config) error {
		major, minor, _ := strings.Cut(text, ".")
		minor, _, _ = strings.Cut(minor, ".")
		var wanted version
		var err error
		if wanted.major, err = strconv.Atoi(major); err == nil {
			wanted.minor, err = strconv.Atoi(minor)
		}
		if err != nil || wanted.before(oldest) {
			return fmt.Errorf("ProductVersion: %q is not a version from %s on", text, oldest)
		}
		c.version = wanted
		return nil
	}
}
