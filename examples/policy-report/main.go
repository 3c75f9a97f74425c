// Command policy-report shows how the organizations of a site keep to their replication policies: what each
// policy allows, which organization has it, and each violation in words.
//
// It changes nothing. It runs on a simulated appliance; VCAV_URL, VCAV_USER, VCAV_PASSWORD and
// VCAV_THUMBPRINT point it at a real one, where only administrators may ask. It exits with 1 if the report
// could not be made or has gaps, and under -fail-on-violation with 2 if an organization violates its policy.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// errViolated is the end of a run under -fail-on-violation that has found something.
var errViolated = errors.New("policies are violated")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "policy-report:", err)
	}
	os.Exit(exitCode(err))
}

// exitCode lets a gap weigh more than a violation: what is not known may be worse.
func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errViolated):
		return 2
	default:
		return 1
	}
}

// settings are what the command line asks for.
type settings struct {
	policies        []string // names or ids; none means all
	format          string
	failOnViolation bool
}

// parse returns [flag.ErrHelp] once it has printed the help that was asked for.
func parse(args []string, out io.Writer) (settings, error) {
	var chosen settings
	flags := flag.NewFlagSet("policy-report", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	flags.Func("policy", "`NAME` or id of a policy to report on; may be repeated (default: all)", func(policy string) error {
		chosen.policies = append(chosen.policies, policy)
		return nil
	})
	flags.StringVar(&chosen.format, "format", "table", "`FORMAT` of the report: table, json or csv")
	flags.BoolVar(&chosen.failOnViolation, "fail-on-violation", false, "exit with 2 if an organization violates its policy")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, "usage: policy-report [-policy NAME]… [-format table|json|csv] [-fail-on-violation]\n\n")
		flags.SetOutput(out)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nVCAV_URL, VCAV_USER, VCAV_PASSWORD and VCAV_THUMBPRINT name an appliance; without them one is simulated.\n")
	}
	if err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("%q is not understood; -h shows what is", flags.Arg(0))
	}
	if printer(chosen.format) == nil {
		return settings{}, fmt.Errorf("-format %q is none of table, json and csv", chosen.format)
	}
	return chosen, nil
}

// run prints the report to out, and whatever else there is to say to notes.
func run(ctx context.Context, args []string, out, notes io.Writer) (err error) {
	chosen, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	client, closeServer, err := connect(notes)
	if err != nil {
		return err
	}
	defer closeServer()
	defer func() { err = errors.Join(err, signOut(ctx, client)) }()
	return report(ctx, client, chosen, out)
}

// connect returns a client for the appliance that the environment names, or else for a simulated one. A
// report changes nothing, and the client sees to that.
func connect(notes io.Writer) (*vcav.Client, func(), error) {
	client, err := vcav.FromEnv(drkit.WithReadOnly())
	if !errors.Is(err, vcav.ErrNoEndpoint) {
		return client, func() {}, err
	}
	server, err := vcavtest.Start(simulated()...)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(notes, "no VCAV_URL is set: using a simulated appliance")
	client, err = vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)),
		append(server.Options(), drkit.WithReadOnly())...)
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	return client, server.Close, nil
}

// simulated is a provider with four organizations, two of which violate their policy.
func simulated() []vcavtest.Option {
	gold, silver, standard := vcavtest.OpenPolicy(), vcavtest.OpenPolicy(), vcavtest.ClosedPolicy()
	gold.ID, gold.DisplayName, gold.Orgs = "", "Gold", []string{"finance"}
	silver.ID, silver.DisplayName, silver.Orgs = "", "Silver", []string{"media", "retail"}
	silver.MinRPO, silver.MaxInstances, silver.MaxIncoming, silver.AllowOutgoingMigrations = 60, 4, 2, false
	return []vcavtest.Option{
		vcavtest.LocalSite("site2", "finance", "media", "retail", "lab"),
		vcavtest.Policies(gold, silver, standard),
		vcavtest.Protect(
			vcavtest.Replication{VMName: "ledger-1", DestinationOrg: "finance", RPO: 5},
			vcavtest.Replication{VMName: "ledger-2", DestinationOrg: "finance", RPO: 15},
			vcavtest.Replication{VMName: "stream-1", DestinationOrg: "media", RPO: 15},
			vcavtest.Replication{VMName: "stream-2", DestinationOrg: "media", Retention: []vcavtest.RetentionRule{
				{Instances: 4, Distance: 60}, {Instances: 7, Distance: 1440},
			}},
			vcavtest.Replication{VMName: "stream-3", DestinationOrg: "media"},
			vcavtest.Replication{VMName: "shop-1", DestinationOrg: "retail"},
			vcavtest.Replication{VMName: "build-1", DestinationOrg: "lab"},
		),
	}
}

// signOut ends the session, also after an interrupt.
func signOut(ctx context.Context, client *vcav.Client) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return client.Close(ctx)
}
