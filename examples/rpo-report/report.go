package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drkit-go/drkit/cloudreplica"
)

// machine is a row of the report.
type machine = cloudreplica.InventoryVM

// class is how a machine stands.
type class = cloudreplica.InventoryClass

type wordedClass struct {
	class
	words string
}

// classes are all of them, the worst first, each in the words of the report.
var classes = []wordedClass{
	{cloudreplica.InventoryBreach, "in breach"},
	{cloudreplica.InventoryNoPoint, "without a point"},
	{cloudreplica.InventoryAmbiguous, "ambiguous"},
	{cloudreplica.InventoryUnattributed, "unattributed"},
	{cloudreplica.InventoryInFailover, "in failover"},
	{cloudreplica.InventoryOK, "ok"},
}

func rank(of class) int {
	return slices.IndexFunc(classes, func(c wordedClass) bool { return c.class == of })
}

// report is all that was found out.
type report struct {
	*cloudreplica.InventoryReport

	RPO      time.Duration // unless a tenant has another
	Machines []machine
}

func newReport(found *cloudreplica.InventoryReport, rpo time.Duration) report {
	return report{InventoryReport: found, RPO: rpo, Machines: slices.Collect(found.VMs())}
}

// misnamed tells of tenants that have an RPO of their own and are not there: a slip of the pen would let theirs be that
// of all others.
func (r report) misnamed(rpos map[string]time.Duration) error {
	known := map[string]bool{}
	for _, t := range r.Tenants {
		known[t.Name] = true
	}
	for _, m := range r.Machines {
		for _, name := range m.Tenants {
			known[name] = true
		}
	}
	var missing []string
	for name := range rpos {
		if !known[name] {
			missing = append(missing, fmt.Sprintf("%q", name))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("-tenant-rpo: there is no tenant %s", strings.Join(missing, " and no "))
}

// tooOld counts the machines of which a failover now would lose more than it may.
func (r report) tooOld() int { return group{Machines: r.Machines}.tooOld() }

// tooOld reports whether a failover now would lose more than it may. Who is failed over already has nothing to lose.
func tooOld(m machine) bool { return m.Late && m.Class != cloudreplica.InventoryInFailover }

// group are the machines of one tenant, or of nobody in particular.
type group struct {
	Name     string
	Nobody   bool // Name is no tenant's
	Silent   bool // a tenant who should have machines, and has none that is known
	Machines []machine
}

// groups sorts machines by tenant, the worst first; those of nobody in particular come last.
func (r report) groups() []group {
	byTenant := map[string]*group{}
	unattributed, ambiguous := group{Name: "tenant not known", Nobody: true}, group{Name: "tenant not clear", Nobody: true}
	of := func(name string) *group {
		if byTenant[name] == nil {
			byTenant[name] = &group{Name: name}
		}
		return byTenant[name]
	}
	for _, m := range r.Machines {
		var into *group
		switch {
		case m.Class == cloudreplica.InventoryAmbiguous || len(m.Tenants) > 1:
			into = &ambiguous
		case len(m.Tenants) == 0:
			into = &unattributed
		default:
			into = of(m.Tenants[0])
		}
		into.Machines = append(into.Machines, m)
	}
	for _, t := range r.Tenants {
		if t.Silent {
			of(t.Name).Silent = true
		}
	}
	var sorted []group
	for _, g := range byTenant {
		sorted = append(sorted, *g)
	}
	slices.SortFunc(sorted, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.tooOld(), a.tooOld()), cmp.Compare(b.oldest(), a.oldest()), strings.Compare(a.Name, b.Name))
	})
	for _, g := range []group{ambiguous, unattributed} {
		if len(g.Machines) > 0 {
			sorted = append(sorted, g)
		}
	}
	for _, g := range sorted {
		slices.SortStableFunc(g.Machines, func(a, b machine) int {
			return cmp.Or(cmp.Compare(rank(a.Class), rank(b.Class)), cmp.Compare(b.Age, a.Age), strings.Compare(a.Name, b.Name))
		})
	}
	return sorted
}

// tooOld counts the machines of which a failover now would lose more than it may.
func (g group) tooOld() int {
	n := 0
	for _, m := range g.Machines {
		if tooOld(m) {
			n++
		}
	}
	return n
}

func count(machines []machine, of class) int {
	n := 0
	for _, m := range machines {
		if m.Class == of {
			n++
		}
	}
	return n
}

// oldest is the age of the oldest of the newest points, without those of failovers; 0 where there is none.
func (g group) oldest() time.Duration {
	var age time.Duration
	for _, m := range g.Machines {
		if m.Class != cloudreplica.InventoryInFailover {
			age = max(age, m.Age)
		}
	}
	return age
}

// summary is what the machines of a group come to, in words.
func (g group) summary() string {
	if g.Silent && len(g.Machines) == 0 {
		return "no machine is known to be theirs"
	}
	parts := []string{numbered(len(g.Machines), "machine")}
	for _, of := range classes {
		if n := count(g.Machines, of.class); n > 0 && !g.Nobody {
			parts = append(parts, fmt.Sprintf("%d %s", n, of.words))
		}
	}
	if n := g.tooOld(); g.Nobody && n > 0 {
		parts = append(parts, fmt.Sprintf("%d too old", n))
	}
	return strings.Join(parts, ", ")
}

// result says in words how a machine stands.
func result(m machine) string {
	said := string(m.Class)
	switch m.Class {
	case cloudreplica.InventoryAmbiguous:
		said = "ambiguous: several machines of that name"
		if len(m.Tenants) > 1 {
			said = "ambiguous: " + plain(strings.Join(m.Tenants, " or "))
		}
	case cloudreplica.InventoryInFailover:
		if m.State != cloudreplica.ReplicaStateFailover {
			said = "in failover: " + plain(string(m.State))
		}
		return said
	case cloudreplica.InventoryOK, cloudreplica.InventoryBreach, cloudreplica.InventoryNoPoint, cloudreplica.InventoryUnattributed:
	}
	switch {
	case !m.Late || m.Class == cloudreplica.InventoryBreach || m.Class == cloudreplica.InventoryNoPoint:
	case m.Created.IsZero():
		said += "; without a point"
	default:
		said += "; older than the RPO"
	}
	return said
}

// verdict says in one sentence what the report comes to.
func (r report) verdict() string {
	if len(r.Machines) == 0 {
		return "No machine is known that is replicated."
	}
	said := fmt.Sprintf("Failed over now, %d of %s would lose more than the RPO allows", r.tooOld(), numbered(len(r.Machines), "machine"))
	if n := count(r.Machines, cloudreplica.InventoryUnattributed) + count(r.Machines, cloudreplica.InventoryAmbiguous); n > 0 {
		said += fmt.Sprintf("; of %d it cannot be told whose they are", n)
	}
	return said + "."
}

// asOf says in words what moment the report is about, and what ages mean in it.
func (r report) asOf() (moment, ages string) {
	if r.AsOf.IsZero() {
		return "When this was true is not known: no collection of data is on record that went well.",
			"Ages count until " + clock(r.Until) + "."
	}
	moment = fmt.Sprintf("As of %s, when data of backup servers were last collected.", clock(r.AsOf))
	switch later := r.Began.Sub(r.AsOf); {
	case r.Until.Equal(r.AsOf) && later < time.Minute:
		ages = "Ages count until then, which is less than a minute before the report."
	case r.Until.Equal(r.AsOf):
		ages = fmt.Sprintf("Ages count until then. The report was made %s later, and what came meanwhile is not in it.", short(later))
	default:
		ages = fmt.Sprintf("That is %s before the report. Ages count until the report, at %s: points that nobody has collected help nobody.",
			short(r.Until.Sub(r.AsOf)), clock(r.Until))
	}
	servers := map[string]bool{}
	for _, m := range r.Machines {
		servers[m.BackupServerID] = true
	}
	if len(servers) > 1 {
		ages += fmt.Sprintf(" There are %d backup servers, and the service does not say of which these were: what is known of others may be older.", len(servers))
	}
	return moment, ages
}

// trouble says that the last collection was not one to rely on; empty where it was.
func (r report) trouble() string {
	last := r.LastCollection
	if last.EndTimeUTC.IsZero() || !last.EndTimeUTC.After(r.AsOf) {
		return ""
	}
	why := string(last.State)
	if last.Result != nil && last.Result.Message != "" {
		why = last.Result.Message
	}
	return fmt.Sprintf("A later collection, at %s, did not go well: %s.", clock(last.EndTimeUTC.Time), plain(strings.TrimSuffix(why, ".")))
}

func numbered(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// short leaves out what does not matter: two units at most.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	join := func(large, small int64, of, and string) string {
		if small == 0 {
			return fmt.Sprintf("%d %s", large, of)
		}
		return fmt.Sprintf("%d %s %d %s", large, of, small, and)
	}
	switch {
	case d < 0:
		return "-" + short(-d)
	case d >= 2*day:
		return join(int64(d/day), int64(d%day/time.Hour), "d", "h")
	case d >= time.Hour:
		return join(int64(d/time.Hour), int64(d%time.Hour/time.Minute), "h", "min")
	case d >= time.Minute:
		return fmt.Sprintf("%d min", int64(d/time.Minute))
	default:
		return fmt.Sprintf("%d s", int64(d/time.Second))
	}
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

// plain shows what cannot be seen. Tenants choose names, which a terminal and a reader would obey: they could clear
// the screen or run from right to left.
func plain(name string) string {
	switch {
	case name != "" && strings.TrimSpace(name) == "":
		return strconv.QuoteToASCII(name)
	case !strings.ContainsFunc(name, unseen):
		return name
	}
	var shown strings.Builder
	for _, r := range name {
		if unseen(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			shown.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		shown.WriteRune(r)
	}
	return shown.String()
}

func unseen(r rune) bool { return !strconv.IsPrint(r) }
