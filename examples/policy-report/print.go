package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/drkit-go/drkit/vcav"
)

// printer returns what prints a report in a format, or nil for one that is not known.
func printer(format string) func(io.Writer, []section) error {
	switch format {
	case "table":
		return printTables
	case "json":
		return printJSON
	case "csv":
		return printCSV
	default:
		return nil
	}
}

// printTables prints what the policies allow, how organizations keep to that, and what it comes to.
func printTables(out io.Writer, sections []section) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "POLICY\tSHORTEST RPO\tINSTANCES\tINCOMING\tMAY COME IN\tMAY GO OUT\tORGANIZATIONS")
	for _, s := range sections {
		p := s.Policy
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", p.DisplayName, minutes(p.MinRPO), p.MaxInstances, quota(p),
			directions(p.AllowIncomingProtections, p.AllowIncomingMigrations),
			directions(p.AllowOutgoingProtections, p.AllowOutgoingMigrations), having(s))
	}
	fmt.Fprintln(table)
	if err := table.Flush(); err != nil {
		return err
	}

	organizations, replications, violating := 0, 0, 0
	fmt.Fprintln(table, "ORGANIZATION\tPOLICY\tREPLICATIONS\tCOMPLIANCE")
	for _, s := range sections {
		for _, o := range s.Organizations {
			organizations++
			replications += o.ConfiguredReplications
			verdict := []string{"complies"}
			if o.violates() {
				violating++
				verdict = o.Violations
			}
			fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", o.Org, s.Policy.DisplayName, o.ConfiguredReplications, verdict[0])
			for _, more := range verdict[1:] {
				fmt.Fprintf(table, "\t\t\t%s\n", more)
			}
		}
		if s.Gap != "" {
			fmt.Fprintf(table, "?\t%s\t?\tnot known: %s\n", s.Policy.DisplayName, s.Gap)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s with %s in all; in violation: %d\n",
		count(organizations, "organization"), count(replications, "replication"), violating)
	return err
}

// having is how many organizations have the policy. The policy's own number is -1 for the default one.
func having(s section) string {
	if s.Gap != "" {
		return "?"
	}
	return strconv.Itoa(len(s.Organizations))
}

// printJSON prints policies and states as the service words them, with the violations in words.
func printJSON(out io.Writer, sections []section) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(sections)
}

// printCSV prints a row for each organization, and one for a policy that no organization has.
func printCSV(out io.Writer, sections []section) error {
	table := csv.NewWriter(out)
	rows := [][]string{{
		"policy_id", "policy", "min_rpo_minutes", "max_instances", "max_incoming", "incoming", "outgoing",
		"organization", "replications", "compliant", "violations",
	}}
	for _, s := range sections {
		policy := columns(s.Policy)
		for _, o := range s.Organizations {
			rows = append(rows, append(policy[:len(policy):len(policy)], o.Org, strconv.Itoa(o.ConfiguredReplications),
				strconv.FormatBool(!o.violates()), strings.Join(o.Violations, "; ")))
		}
		if len(s.Organizations) == 0 {
			rows = append(rows, append(policy, "", "", "", s.Gap))
		}
	}
	return table.WriteAll(rows)
}

func columns(p vcav.Policy) []string {
	return []string{
		p.ID, p.DisplayName, strconv.Itoa(p.MinRPO), strconv.Itoa(p.MaxInstances), strconv.Itoa(p.MaxIncoming),
		directions(p.AllowIncomingProtections, p.AllowIncomingMigrations),
		directions(p.AllowOutgoingProtections, p.AllowOutgoingMigrations),
	}
}
