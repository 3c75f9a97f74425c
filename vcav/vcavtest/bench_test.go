package vcavtest

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/drkit-go/drkit/internal/simkit"
)

// BenchmarkReplicationPage is the work for one page of a hundred of ten thousand replications, without the
// connection: whoever measures a client wants to measure the client. The encoding is in one of them.
func BenchmarkReplicationPage(b *testing.B) {
	var many []Replication
	for i := range 10_000 {
		many = append(many, Replication{VMName: fmt.Sprintf("vm-%05d", i*7919%10_000)})
	}
	c, err := newConfig([]Option{Protect(many...)})
	if err != nil {
		b.Fatal(err)
	}
	a, err := newAppliance(c)
	if err != nil {
		b.Fatal(err)
	}
	v := &visit{session: &session{admin: true, reaches: []reach{newReach(a.local(), systemOrg)}}, site: a.local(), admin: true}
	tenant := &visit{session: &session{reaches: []reach{newReach(a.local(), "org2")}}, site: a.local()}
	for name, bench := range map[string]struct {
		visit  *visit
		query  string
		encode bool
	}{
		"plain":    {v, "offset=5000", false},
		"tenant":   {tenant, "offset=5000", false},
		"sorted":   {v, "sort=vmName&offset=5000", false},
		"filtered": {v, "sourceVdcName=org1+data+center&vmName=vm-0", false},
		"encoded":  {v, "offset=5000", true},
	} {
		b.Run(name, func(b *testing.B) {
			query, err := url.ParseQuery(bench.query)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				page, err := a.listReplications(&simkit.Call{Query: query}, bench.visit)
				if err != nil {
					b.Fatal(err)
				}
				if bench.encode {
					simkit.JSON(200, "", page)
				}
			}
		})
	}
}
