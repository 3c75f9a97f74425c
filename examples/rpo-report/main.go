// Command rpo-report shows how old the newest recovery point of each replicated machine is, tenant by tenant, against
// how old it may be: as a table, as CSV, or as a page of HTML with a chart, which is one file that loads nothing.
//
// It runs on a simulated Enterprise Manager; CLOUDREPLICA_URL, CLOUDREPLICA_USER, CLOUDREPLICA_PASSWORD and
// CLOUDREPLICA_THUMBPRINT point it at a real one. Without -collect it changes nothing. It exits with 1 if the report
// could not be made, and under -fail-on-breach with 2 if a failover would lose more than the RPO allows.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// errTooOld is the end of a run under -fail-on-breach that has found something.
var errTooOld = errors.New("there are machines without a recovery point that is young enough")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "rpo-report:", err)
	}
	os.Exit(exitCode(err))
}

func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errTooOld):
		return 2
	default:
		return 1
	}
}

// settings are what the command line asks for.
type settings struct {
	cloudreplica.InventoryOptions

	format       string
	collect      bool
	failOnBreach bool
}

// parse returns [flag.ErrHelp] once it has printed the help that was asked for.
func parse(args []string, out io.Writer) (settings, error) {
	chosen := settings{InventoryOptions: cloudreplica.InventoryOptions{TenantRPO: map[string]time.Duration{}}}
	flags := flag.NewFlagSet("rpo-report", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	flags.DurationVar(&chosen.RPO, "rpo", 24*time.Hour, "`AGE` that the newest point of a machine may have, as in 4h or 90m")
	flags.Func("tenant-rpo", "`TENANT=AGE` for a tenant that has another; may be repeated", chosen.addTenant)
	flags.DurationVar(&chosen.MaxStale, "max-stale", 30*time.Minute, "`TIME` since the last collection of data beyond which ages count until now")
	flags.StringVar(&chosen.format, "format", "table", "`FORMAT` of the report: table, csv or html")
	flags.BoolVar(&chosen.collect, "collect", false, "collect the data of all backup servers first, and wait for that")
	flags.BoolVar(&chosen.failOnBreach, "fail-on-breach", false, "exit with 2 if a failover would lose more than the RPO allows")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, "usage: rpo-report [-rpo AGE] [-tenant-rpo TENANT=AGE]… [-format table|csv|html] [-collect] [-fail-on-breach]\n\n")
		flags.SetOutput(out)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nCLOUDREPLICA_URL, CLOUDREPLICA_USER, CLOUDREPLICA_PASSWORD and CLOUDREPLICA_THUMBPRINT name an Enterprise\n"+
			"Manager; without them one is simulated.\n")
	}
	if err != nil {
		return settings{}, err
	}
	switch {
	case flags.NArg() > 0:
		return settings{}, fmt.Errorf("%q is not understood; -h shows what is", flags.Arg(0))
	case printer(chosen.format) == nil:
		return settings{}, fmt.Errorf("-format %q is none of table, csv and html", chosen.format)
	case chosen.RPO <= 0:
		return settings{}, fmt.Errorf("-rpo %s: no point is as young as that", chosen.RPO)
	case chosen.MaxStale <= 0:
		return settings{}, fmt.Errorf("-max-stale %s: no collection is as young as that", chosen.MaxStale)
	}
	return chosen, nil
}

func (s *settings) addTenant(text string) error {
	at := strings.LastIndex(text, "=") // names may have one, ages do not
	if at < 1 {
		return errors.New("it has to be like acme=4h")
	}
	age, err := time.ParseDuration(text[at+1:])
	switch {
	case err != nil:
		return fmt.Errorf("%q is no age such as 4h", text[at+1:])
	case age <= 0:
		return fmt.Errorf("no point is as young as %s", age)
	}
	s.TenantRPO[text[:at]] = age
	return nil
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
	client, closeServer, err := connect(chosen, notes)
	if err != nil {
		return err
	}
	defer closeServer()
	defer func() {
		if failed := signOut(ctx, client); failed != nil {
			err = errors.Join(err, failed)
		}
	}()
	return show(ctx, client, chosen, out)
}

// show prints the report, also where not all data could be collected.
func show(ctx context.Context, client *cloudreplica.Client, chosen settings, out io.Writer) error {
	var uncollected error
	if chosen.collect {
		if uncollected = collect(ctx, client); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	found, err := cloudreplica.Inventory(ctx, client, chosen.InventoryOptions)
	if err != nil {
		return errors.Join(uncollected, err)
	}
	made := newReport(found, chosen.RPO)
	if err := printer(chosen.format)(out, made); err != nil {
		return err
	}
	wrong := errors.Join(uncollected, made.misnamed(chosen.TenantRPO))
	if wrong == nil && chosen.failOnBreach && made.tooOld() > 0 {
		return errTooOld
	}
	return wrong
}

// atOnce is how many backup servers are collected from at the same time.
const atOnce = 4

// collect makes Enterprise Manager know what its backup servers have now.
func collect(ctx context.Context, client *cloudreplica.Client) error {
	servers, err := client.BackupServers.List(ctx)
	if err != nil {
		return err
	}
	_, err = drkit.ForEach(ctx, servers, atOnce, func(ctx context.Context, server cloudreplica.BackupServer) (cloudreplica.SystemSession, error) {
		collecting, err := client.BackupServers.Collect(ctx, server.ID())
		if err != nil {
			return cloudreplica.SystemSession{}, err
		}
		return collecting.Wait(ctx)
	})
	return err
}

// connect returns a client for the Enterprise Manager that the environment names, or else for a simulated one. Only
// a collection changes anything, and the client sees to that.
func connect(chosen settings, notes io.Writer) (*cloudreplica.Client, func(), error) {
	var options []drkit.Option
	if !chosen.collect {
		options = append(options, drkit.WithReadOnly())
	}
	client, err := cloudreplica.FromEnv(options...)
	if !errors.Is(err, cloudreplica.ErrNoEndpoint) {
		return client, func() {}, err
	}
	server, err := cloudreplicatest.Start(simulated()...)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(notes, "no CLOUDREPLICA_URL is set: using a simulated Enterprise Manager")
	client, err = cloudreplica.NewClient(server.URL, cloudreplica.Login(server.User, drkit.NewSecret(server.Password)),
		append(server.Options(), options...)...)
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	return client, server.Close, nil
}

// simulated is a provider with five tenants. One has fallen behind, one is failed over, two have a machine of the same
// name, and one has no failover plan, so that nothing tells which machines are theirs.
func simulated() []cloudreplicatest.Option {
	const hour = time.Hour
	replica := func(tenant string, vm cloudreplicatest.VM) cloudreplicatest.Replica {
		vm.Every = 6 * hour
		return cloudreplicatest.Replica{
			Name: vm.Name, ID: cloudreplicatest.ReplicaID(tenant + " " + vm.Name), Tenant: tenant, VMs: []cloudreplicatest.VM{vm},
		}
	}
	return []cloudreplicatest.Option{
		cloudreplicatest.WithHardwarePlans(cloudreplicatest.HardwarePlan{Name: "gold"}),
		cloudreplicatest.WithTenants(
			cloudreplicatest.Tenant{Name: "acme", HardwarePlans: []string{"gold"}},
			cloudreplicatest.Tenant{Name: "globex", HardwarePlans: []string{"gold"}},
			cloudreplicatest.Tenant{Name: "hooli", HardwarePlans: []string{"gold"}},
			cloudreplicatest.Tenant{Name: "initech", HardwarePlans: []string{"gold"}},
			cloudreplicatest.Tenant{Name: "umbrella", HardwarePlans: []string{"gold"}},
		),
		cloudreplicatest.WithReplicas(
			replica("acme", cloudreplicatest.VM{Name: "db-1", Age: 2 * hour}),
			replica("acme", cloudreplicatest.VM{Name: "web-1", Age: 5 * hour}),
			replica("acme", cloudreplicatest.VM{Name: "web-2", Age: 5*hour + 30*time.Minute}),
			replica("acme", cloudreplicatest.VM{Name: "mail", Age: 20 * hour}),
			replica("globex", cloudreplicatest.VM{Name: "app-1", Age: 31 * hour}),
			replica("globex", cloudreplicatest.VM{Name: "app-2", Age: 70 * hour}),
			replica("globex", cloudreplicatest.VM{Name: "app-3", Age: 23 * hour}),
			replica("globex", cloudreplicatest.VM{Name: "new-1", Points: -1}),
			replica("hooli", cloudreplicatest.VM{Name: "mail", Age: 3 * hour}),
			replica("initech", cloudreplicatest.VM{Name: "erp", Age: 40 * hour, State: cloudreplicatest.StateFailover}),
			replica("umbrella", cloudreplicatest.VM{Name: "lab-7", Age: 9 * hour}),
		),
		cloudreplicatest.WithPlans(
			cloudreplicatest.Plan{Name: "acme all", Tenant: "acme", VMs: []string{"db-1", "web-1", "web-2", "mail"}},
			cloudreplicatest.Plan{Name: "globex all", Tenant: "globex", VMs: []string{"app-1", "app-2", "app-3", "new-1"}},
			cloudreplicatest.Plan{Name: "hooli mail", Tenant: "hooli", VMs: []string{"mail"}},
			cloudreplicatest.Plan{Name: "initech all", Tenant: "initech", VMs: []string{"erp"}},
		),
	}
}

// signOut ends the session, also after an interrupt.
func signOut(ctx context.Context, client *cloudreplica.Client) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return client.Close(ctx)
}
