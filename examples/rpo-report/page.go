package main

import (
	"cmp"
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/drkit-go/drkit/cloudreplica"
)

// The page is one file that loads nothing, so that it can be sent by mail. Names are whatever tenants have called
// things: html/template keeps them from being anything else.
//
//go:embed page.html
var pageText string

// page is what the template shows.
type page struct {
	RPO, Verdict, Moment, Ages, Trouble string

	Most    int // machines in the tallest bar
	Classes []tile
	Tenants []section
}

type tile struct {
	Class string // of CSS
	Words string
	Count int
	Bar   bool // whether the chart shows it, in a colour of its own
}

// section is a tenant in the chart and in the list below it.
type section struct {
	Number        int
	Name, Summary string
	Nobody, Open  bool
	Oldest        string // empty without points
	Bars          []bar
	Machines      []row
}

// row is a machine in the words of the page.
type row struct {
	Name, Server, Age, RPO, Mark, Result string

	Created time.Time
}

// printPage writes the report as a page of HTML.
func printPage(out io.Writer, r report) error {
	text, err := template.New("page").Funcs(template.FuncMap{
		"day":   func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
		"hour":  func(t time.Time) string { return t.UTC().Format("15:04") },
		"exact": exact,
	}).Parse(pageText)
	if err != nil {
		return err
	}
	return text.Execute(out, newPage(r))
}

func newPage(r report) page {
	p := page{RPO: short(r.RPO), Verdict: r.verdict(), Trouble: r.trouble()}
	p.Moment, p.Ages = r.asOf()
	for _, of := range classes {
		p.Classes = append(p.Classes, tile{
			Class: mark(of.class), Words: of.words, Count: count(r.Machines, of.class),
			Bar: of.class != cloudreplica.InventoryNoPoint && of.class != cloudreplica.InventoryAmbiguous,
		})
	}
	groups := r.groups()
	all := make([]histogram, len(groups))
	for i, g := range groups {
		all[i] = histogramOf(g)
		p.Most = max(p.Most, all[i].tallest())
	}
	for i, g := range groups {
		p.Tenants = append(p.Tenants, newSection(g, i+1, all[i].bars(p.Most)))
	}
	return p
}

func newSection(g group, number int, bars []bar) section {
	s := section{
		Number: number, Name: plain(g.Name), Summary: g.summary(), Nobody: g.Nobody,
		Open: g.tooOld() > 0 || g.Nobody, Bars: bars,
	}
	if age := g.oldest(); age > 0 {
		s.Oldest = short(age)
	}
	for _, m := range g.Machines {
		one := row{
			Name: plain(m.Name), Server: plain(cmp.Or(m.BackupServer, m.BackupServerID)), Age: "–", RPO: short(m.RPO), Created: m.Created,
			Mark: mark(m.Class), Result: result(m),
		}
		if !m.Created.IsZero() {
			one.Age = short(m.Age)
		}
		s.Machines = append(s.Machines, one)
	}
	return s
}

// mark is the class of CSS that goes with a class.
func mark(of class) string { return strings.ReplaceAll(string(of), " ", "-") }
