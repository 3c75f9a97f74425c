package cloudreplicatest

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// States of a replica, which its points repeat.
const (
	StateReady    = "Ready"
	StateFailover = "Failover"
)

// replica is what one job of a tenant keeps of its VMs.
type replica struct {
	id, name string
	number   int // of its making, for the ids of points
	server   *backupServer
	tenantID string // which nothing shows
	platform string
	vms      []replicatedVM
}

// replicatedVM is one VM of a replica with its points.
type replicatedVM struct {
	name      string
	pointType string
	state     string
	points    series
}

// series are the points of a VM. They are not kept one by one but made when they are shown, so that a hundred thousand
// of them cost nothing.
type series struct {
	first  int           // ordinal of the oldest that is left
	made   int           // how many the series began with
	newest time.Time     // when the last of those was made
	every  time.Duration // between them
	later  []time.Time   // those made since
}

func (s series) end() int { return s.made + len(s.later) }

// at is when the point of an ordinal was made, with a fraction of its own.
func (s series) at(ordinal int) time.Time {
	if ordinal >= s.made {
		return s.later[ordinal-s.made]
	}
	if ordinal == s.made-1 {
		return s.newest
	}
	fraction := time.Duration(ordinal*7_919_000%10_000_000) * 100
	return s.newest.Add(-time.Duration(s.made-1-ordinal) * s.every).Truncate(time.Second).Add(-time.Second + fraction)
}

// with is a series with one point more, of which no more than keep are left.
func (s series) with(at time.Time, keep int) series {
	s.later = append(slices.Clip(s.later), at)
	s.first = max(s.first, s.end()-keep)
	return s
}

func (r *replica) ident() string        { return r.id }
func (r *replica) called() string       { return r.name }
func (r *replica) owner() *backupServer { return r.server }

func (r *replica) links(p *printer) links {
	return links{
		p.up(backupServerKind, r.server.id, r.server.name),
		{"Down", "CloudVmReplicaPointReferenceList", p.href(replicaKind.path, r.id, "vmReplicaPoints"), ""},
	}
}

func (r *replica) fill(_ *printer, shown *document) { shown.with(set("Platform", r.platform)) }

// vm finds a VM by its name.
func (r *replica) vm(name string) (int, bool) {
	at := slices.IndexFunc(r.vms, func(v replicatedVM) bool { return v.name == name })
	return at, at >= 0
}

// withVM is the replica with another state of one VM.
func (r *replica) withVM(at int, vm replicatedVM) *replica {
	next := *r
	next.vms = slices.Clone(r.vms)
	next.vms[at] = vm
	return &next
}

// point is one point of one VM of a replica.
type point struct {
	of      *replica
	vm      int32
	ordinal int32
}

// ident makes the id of a point of what it is, so that it can be found by it.
func (o point) ident() string {
	low := fmt.Sprintf("%05x%02x%05x", o.of.number, o.vm, o.ordinal)
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(low)) // never fails, says its documentation
	mixed := sum.Sum64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%s", mixed>>32, mixed>>16&0xffff, mixed>>4&0xfff, mixed&0xfff, low)
}

func (o point) machine() replicatedVM { return o.of.vms[o.vm] }
func (o point) created() time.Time    { return o.machine().points.at(int(o.ordinal)) }
func (o point) called() string {
	return o.machine().name + "@" + o.created().UTC().Format(time.DateTime)
}

func (o point) links(p *printer) links {
	return links{
		p.up(backupServerKind, o.of.server.id, o.of.server.name),
		p.up(replicaKind, o.of.id, o.of.name),
	}
}

func (o point) fill(_ *printer, shown *document) {
	vm := o.machine()
	shown.marked(set("VmDisplayName", vm.name))
	shown.with(set("CreationTimeUTC", stamp(o.created())), set("PointType", vm.pointType), set("State", vm.state))
}

// pointsOf are the points of a replica.
func pointsOf(all []point, r *replica) []point {
	for i := range r.vms {
		for ordinal := r.vms[i].points.first; ordinal < r.vms[i].points.end(); ordinal++ {
			all = append(all, point{r, int32(i), int32(ordinal)}) //nolint:gosec // both are bounded by config
		}
	}
	return all
}

// pointNamed finds a point by its id.
func (c *catalogue) pointNamed(id string) (point, bool) {
	id = strings.ToLower(id)
	if len(id) != 36 {
		return point{}, false
	}
	number, err := strconv.ParseInt(id[24:29], 16, 32)
	vm, err2 := strconv.ParseInt(id[29:31], 16, 32)
	ordinal, err3 := strconv.ParseInt(id[31:], 16, 32)
	if err != nil || err2 != nil || err3 != nil {
		return point{}, false
	}
	for _, r := range c.replicas.all {
		if r.number != int(number) || int(vm) >= len(r.vms) {
			continue
		}
		found, points := point{r, int32(vm), int32(ordinal)}, r.vms[vm].points
		return found, found.ident() == id && int(ordinal) >= points.first && int(ordinal) < points.end()
	}
	return point{}, false
}
