package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/drkit-go/drkit/cloudreplica"
)

// printer returns what prints a report in a format, or nil for one that is not known.
func printer(format string) func(io.Writer, report) error {
	switch format {
	case "table":
		return printTables
	case "csv":
		return printCSV
	case "html":
		return printPage
	default:
		return nil
	}
}

// printTables prints how the tenants stand, and every machine that is not ok.
func printTables(out io.Writer, r report) error {
	moment, ages := r.asOf()
	fmt.Fprintln(out, strings.TrimSpace(strings.Join([]string{moment, ages, r.trouble()}, " ")))
	groups := r.groups()
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nTENANT\tOLDEST\tMACHINES")
	for _, g := range groups {
		oldest := "–"
		if age := g.oldest(); age > 0 {
			oldest = short(age)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", g.title(), oldest, g.summary())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if count(r.Machines, cloudreplica.InventoryOK) < len(r.Machines) {
		fmt.Fprintln(table, "\nTENANT\tMACHINE\tBACKUP SERVER\tNEWEST POINT\tAGE\tRPO\tRESULT")
	}
	for _, g := range groups {
		for _, m := range g.Machines {
			if m.Class == cloudreplica.InventoryOK {
				continue
			}
			newest, age := "none", "–"
			if !m.Created.IsZero() {
				newest, age = clock(m.Created), short(m.Age)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", g.title(), plain(m.Name),
				plain(cmp.Or(m.BackupServer, m.BackupServerID)), newest, age, short(m.RPO), result(m))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n", r.verdict())
	return err
}

// title keeps what is no tenant apart from a tenant of that name.
func (g group) title() string {
	if g.Nobody {
		return "(" + g.Name + ")"
	}
	return plain(g.Name)
}

// printCSV prints a row for each machine.
func printCSV(out io.Writer, r report) error {
	table := csv.NewWriter(out)
	err := table.Write([]string{
		"tenants", "machine", "backup_server", "class", "too_old", "newest_point", "age_seconds", "rpo_seconds", "state", "points",
		"ages_until", "collected",
	})
	if err != nil {
		return err
	}
	for _, m := range r.Machines {
		newest, age := "", ""
		if !m.Created.IsZero() {
			newest, age = exact(m.Created), seconds(m.Age)
		}
		err := table.Write([]string{
			cell(strings.Join(m.Tenants, "|")), cell(m.Name), cell(cmp.Or(m.BackupServer, m.BackupServerID)), string(m.Class),
			strconv.FormatBool(tooOld(m)), newest, age, seconds(m.RPO), cell(string(m.State)), strconv.Itoa(m.Points),
			exact(r.Until), exact(r.AsOf),
		})
		if err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}

// cell keeps a name from being a formula in a spreadsheet.
func cell(name string) string {
	name = plain(name)
	if strings.IndexAny(name, "=+-@") == 0 {
		return "'" + name
	}
	return name
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// exact is empty for a time that is not known.
func exact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
