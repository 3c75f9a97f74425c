package main

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica"
)

// Names are whatever tenants have typed.
const (
	hostileTenant  = `"><script>alert(1)</script>` + "\u202egnp.exe"
	hostileMachine = `'"><img src=https://evil.example/x onerror=alert(1)>` + "\x1b[2J"
	formula        = `=HYPERLINK("https://evil.example")`
)

var now = time.Date(2026, 11, 21, 18, 20, 0, 0, time.UTC)

// sample has every class, names that mean harm, and ages of all kinds.
func sample() report {
	const rpo = 4 * time.Hour
	asOf := now.Add(-7 * time.Minute)
	r := report{RPO: rpo, InventoryReport: &cloudreplica.InventoryReport{
		Began: now, AsOf: asOf, Until: asOf, Tenants: []cloudreplica.InventoryTenant{{Name: "umbrella", Silent: true}, {Name: "acme"}},
	}}
	add := func(of class, name string, age time.Duration, tenants ...string) {
		m := machine{Class: of, Name: name, Tenants: tenants, BackupServer: "vbr01", RPO: rpo, Age: age, Late: age > rpo}
		if of == cloudreplica.InventoryNoPoint {
			m.Late = true
		} else {
			m.Created, m.State = asOf.Add(-age), cloudreplica.ReplicaStateReady
		}
		if of == cloudreplica.InventoryInFailover {
			m.State = cloudreplica.ReplicaStateFailover
		}
		r.Machines = append(r.Machines, m)
	}
	for i := range 40 {
		add(cloudreplica.InventoryOK, fmt.Sprintf("web-%02d", i), time.Duration(10+i*37%220)*time.Minute, "acme")
	}
	add(cloudreplica.InventoryBreach, "db-1", 5*time.Hour, "acme")
	add(cloudreplica.InventoryBreach, "db-2", 50*time.Hour, "acme")
	add(cloudreplica.InventoryNoPoint, "new-1", 0, "acme")
	add(cloudreplica.InventoryInFailover, "app-1", 26*time.Hour, "globex")
	add(cloudreplica.InventoryOK, hostileMachine, rpo, hostileTenant)
	add(cloudreplica.InventoryOK, formula, 0, "@initech")
	add(cloudreplica.InventoryUnattributed, "legacy-1", 6*time.Hour)
	add(cloudreplica.InventoryAmbiguous, "common-1", 2*time.Hour, "acme", hostileTenant)
	return r
}

// element is one of a page that was read.
type element struct {
	name       string
	attributes map[string]string
	path       string
}

// read takes a page apart, and fails where elements do not close.
func read(t *testing.T, page string) (elements []element, text string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>")))
	decoder.Strict, decoder.Entity = false, xml.HTMLEntity
	decoder.AutoClose = []string{"meta"}
	var path []string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			require.Empty(t, path)
			return elements, text
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			one := element{name: token.Name.Local, attributes: map[string]string{}, path: strings.Join(path, " ")}
			for _, attribute := range token.Attr {
				one.attributes[attribute.Name.Local] = attribute.Value
			}
			elements, path = append(elements, one), append(path, token.Name.Local)
		case xml.EndElement:
			require.Equal(t, path[len(path)-1], token.Name.Local)
			path = path[:len(path)-1]
		case xml.CharData:
			if len(path) > 0 && path[len(path)-1] != "style" {
				text += string(token) + "\n"
			}
		}
	}
}

func pageOf(t *testing.T, r report) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, printPage(&out, r))
	return out.String()
}

// Nothing in the page comes from elsewhere or runs, whatever names say.
func TestPageHoldsNothingButItself(t *testing.T) {
	t.Parallel()
	page := pageOf(t, sample())
	elements, text := read(t, page)
	known := strings.Fields("html head meta title style body main header h1 h2 p strong span ul li b i section div a bdi svg line rect details summary table thead tbody tr th td time")
	for _, e := range elements {
		assert.Contains(t, known, e.name)
		for name, value := range e.attributes {
			assert.NotContains(t, []string{"src", "style", "srcset", "data", "action"}, name)
			assert.Falsef(t, strings.HasPrefix(name, "on"), "%s of %s", name, e.name)
			if name == "href" {
				assert.Regexp(t, `^#t\d+$`, value)
			}
		}
	}
	assert.NotContains(t, page, "url(")
	assert.NotContains(t, page, "@import")
	assert.Contains(t, page, `content="default-src 'none'; style-src 'unsafe-inline'"`)
	assert.Contains(t, text, `"><script>alert(1)</script>\u202egnp.exe`, "what cannot be seen is shown")
	assert.Contains(t, text, `onerror=alert(1)>\x1b[2J`)
	assert.NotContains(t, page, "\u202e")
	assert.NotContains(t, page, "\x1b")
}

func TestPageCanBeReadAloud(t *testing.T) {
	t.Parallel()
	elements, text := read(t, pageOf(t, sample()))
	ids, links, drawings := map[string]int{}, []string{}, 0
	for _, e := range elements {
		if id := e.attributes["id"]; id != "" {
			ids[id]++
		}
		for _, name := range []string{"href", "aria-labelledby"} {
			if to := e.attributes[name]; to != "" {
				links = append(links, strings.TrimPrefix(to, "#"))
			}
		}
		switch e.name {
		case "html":
			assert.Equal(t, "en", e.attributes["lang"])
		case "th":
			assert.NotEmpty(t, e.attributes["scope"])
		case "time":
			_, err := time.Parse(time.RFC3339, e.attributes["datetime"])
			require.NoError(t, err)
		case "svg":
			drawings++
			assert.Equal(t, "img", e.attributes["role"])
			assert.Contains(t, e.attributes["aria-label"], " machine")
		}
	}
	assert.Equal(t, 7, drawings, "one for each tenant, one each for what is unattributed and ambiguous")
	assert.Len(t, links, 7+2)
	for _, link := range links {
		assert.Equal(t, 1, ids[link], link)
	}
	for _, words := range []string{
		"43 machines, 2 in breach, 1 without a point, 40 ok", "umbrella\n – no machine is known to be theirs",
		"As of 2026-11-21 18:13 UTC, when data of backup servers were last collected.", "made 7 min later",
		"Failed over now, 4 of 48 machines would lose more than the RPO allows; of 2 it cannot be told whose they are.",
		"ambiguous: acme or ", "unattributed; older than the RPO", "in failover",
	} {
		assert.Contains(t, text, words)
	}
}

// Colours are read out of the page. What is text needs 4.5 to 1, what is drawn 3 to 1.
func TestContrast(t *testing.T) {
	t.Parallel()
	schemes := regexp.MustCompile(`(?s)--ground: .*?\}`).FindAllString(pageText, -1)
	require.Len(t, schemes, 2, "light and dark")
	for _, scheme := range schemes {
		colours := map[string]string{}
		for _, found := range regexp.MustCompile(`--([a-z]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(scheme, -1) {
			colours[found[1]] = found[2]
		}
		require.Len(t, colours, 10)
		for _, ground := range []string{"ground", "raised"} {
			for _, text := range []string{"text", "quiet"} {
				assert.GreaterOrEqual(t, contrast(t, colours[text], colours[ground]), 4.5, "%s on %s of %s", text, ground, scheme)
			}
			for _, drawn := range []string{"ok", "breach", "nopoint", "failover", "unknown"} {
				assert.GreaterOrEqual(t, contrast(t, colours[drawn], colours[ground]), 3.0, "%s on %s of %s", drawn, ground, scheme)
			}
		}
	}
}

// contrast is that of the Web Content Accessibility Guidelines.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(colour string) float64 {
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			value, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
			require.NoError(t, err)
			c := float64(value) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	light, dark := max(luminance(a), luminance(b)), min(luminance(a), luminance(b))
	return (light + 0.05) / (dark + 0.05)
}

func TestBins(t *testing.T) {
	t.Parallel()
	const rpo = 4 * time.Hour
	for age, want := range map[time.Duration]int{
		-time.Hour: 0, 0: 0, time.Second: 0, rpo - 1: binsToRPO - 1, rpo: binsToRPO - 1, rpo + 1: binsToRPO,
		2 * rpo: binsOnScale - 1, 2*rpo + 1: binsOnScale, 1000 * rpo: binsOnScale,
	} {
		assert.Equal(t, want, binOf(machine{Age: age, RPO: rpo}), age)
	}
	assert.Zero(t, binOf(machine{Age: time.Hour}))
}

func TestBarsStayInTheDrawing(t *testing.T) {
	t.Parallel()
	r := sample()
	for _, g := range r.groups() {
		drawn := histogramOf(g)
		for _, b := range drawn.bars(40) {
			assert.Positive(t, b.Height)
			assert.GreaterOrEqual(t, b.Y, 0.0)
			assert.InDelta(t, fullHeight, max(b.Y+b.Height, fullHeight), 0.05)
			assert.LessOrEqual(t, b.X+b.Width, 100.0)
			switch b.Class {
			case "breach":
				assert.Greater(t, b.X, scaleWidth/2)
			case "ok":
				assert.LessOrEqual(t, b.X+b.Width, scaleWidth/2)
			}
		}
	}
}

// A hundred thousand machines of one tenant draw as many bars as there are ages to tell apart.
func TestChartStaysSmall(t *testing.T) {
	t.Parallel()
	var g group
	for i := range 100_000 {
		g.Machines = append(g.Machines, machine{
			Class: cloudreplica.InventoryOK, Created: now, Age: time.Duration(i) * time.Second, RPO: 4 * time.Hour,
		})
	}
	drawn := histogramOf(g)
	assert.Len(t, drawn.bars(drawn.tallest()), binsInAll)
}

func TestNamesInTables(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, printTables(&out, sample()))
	assert.NotContains(t, out.String(), "\x1b")
	assert.NotContains(t, out.String(), "\u202e")
	assert.Contains(t, out.String(), `</script>\u202egnp.exe`)
	assert.Regexp(t, `(?m)^\(tenant not clear\) +common-1 +vbr01 +2026-11-21 16:13 UTC +2 h +4 h +ambiguous: acme or "`, out.String())

	out.Reset()
	require.NoError(t, printCSV(&out, sample()))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	for _, row := range rows {
		for _, cell := range row {
			assert.NotRegexp(t, `^[=@+-]`, cell, "no formula")
		}
	}
}

func TestMomentsOfReports(t *testing.T) {
	t.Parallel()
	r := sample()
	r.AsOf, r.Until = time.Time{}, now
	moment, ages := r.asOf()
	assert.Equal(t, "When this was true is not known: no collection of data is on record that went well. Ages count until 2026-11-21 18:20 UTC.", moment+" "+ages)
	r.AsOf = now.Add(-3 * time.Hour)
	moment, ages = r.asOf()
	assert.Equal(t, "As of 2026-11-21 15:20 UTC, when data of backup servers were last collected. That is 3 h before the report. "+
		"Ages count until the report, at 2026-11-21 18:20 UTC: points that nobody has collected help nobody.", moment+" "+ages)
	r.Machines[0].BackupServerID = "another"
	_, ages = r.asOf()
	assert.Contains(t, ages, "There are 2 backup servers, and the service does not say of which these were")
	r.LastCollection = cloudreplica.SystemSession{
		EndTimeUTC: cloudreplica.At(now.Add(-time.Hour)), State: cloudreplica.SystemSessionStateFailed,
		Result: &cloudreplica.SystemSessionResult{Message: "Access is denied.\x07"},
	}
	assert.Equal(t, `A later collection, at 2026-11-21 17:20 UTC, did not go well: Access is denied.\a.`, r.trouble())
	assert.Contains(t, pageOf(t, r), "did not go well")
}

func TestNoMachines(t *testing.T) {
	t.Parallel()
	r := sample()
	r.Machines, r.Tenants = nil, nil
	_, text := read(t, pageOf(t, r))
	assert.Contains(t, text, "No machine is known that is replicated.")
	assert.NotContains(t, text, "dashed")
	var out bytes.Buffer
	require.NoError(t, printTables(&out, r))
	assert.NotContains(t, out.String(), "RESULT")
}

// A name of spaces is there to be seen, and so is a backup server that has no name.
func TestNamesThatDoNotShow(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"": "", "  ": `"  "`, "\u00a0": `"\u00a0"`, " a": " a", "a\u200bb": `a\u200bb`} {
		assert.Equal(t, want, plain(name))
	}
	r := sample()
	r.Machines[0].BackupServer, r.Machines[0].BackupServerID = "", "8fff3b8e"
	assert.Contains(t, pageOf(t, r), "<bdi>8fff3b8e</bdi>")
}

func TestShort(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"0 s": 0, "59 s": 59 * time.Second, "59 min": time.Hour - 1, "1 h": time.Hour, "24 h": 24 * time.Hour, "47 h 59 min": 48*time.Hour - 1,
		"2 d": 48 * time.Hour, "2 d 2 h": 50*time.Hour + time.Minute, "-1 h 5 min": -65 * time.Minute,
	} {
		assert.Equal(t, want, short(d))
	}
}
