// Command tenant-failover fails the plans of a tenant over, or tests them: it looks at the points of all their machines
// first, follows each machine, and reports how it went. Each start is in a journal before it is sent: the program may
// be killed at any moment and run again, and no plan is started twice by it.
//
// It runs on a simulated Enterprise Manager. CLOUDREPLICA_URL, CLOUDREPLICA_USER, CLOUDREPLICA_PASSWORD and
// CLOUDREPLICA_THUMBPRINT point it at a real one, and -journal names the file that every run shares. It exits with 1
// unless every machine of every plan has succeeded.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once, which does no harm
	if err := (program{open: openJournal}).run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tenant-failover:", err)
		os.Exit(1)
	}
}

// program is what a run has besides its command line; tests put their own in.
type program struct {
	options []drkit.Option // of the client
	open    func(path string) (journal, error)
}

// journal is a file that one run at a time holds.
type journal interface {
	drkit.Journal
	Close() error
}

func openJournal(path string) (journal, error) { return drkit.OpenFileJournal(path) }

// settings are what the command line asks for.
type settings struct {
	tenant   string
	plans    []string // names or ids; empty: all of the tenant
	test     bool
	before   time.Time     // points have to be older; zero: the newest
	maxAge   time.Duration // of the newest point of a machine; 0: any
	unready  bool          // plans are begun although machines are not ready
	file     string        // of the journal
	parallel int           // plans at once
	dryRun   bool
	status   bool
	retry    []string // keys of steps
}

// usage comes before the flags in the help.
const usage = `usage: tenant-failover -tenant NAME -journal FILE [-plan NAME]… [-test] [-parallel N]
       tenant-failover -tenant NAME -dry-run      looks at all machines and starts nothing
       tenant-failover -journal FILE [-retry KEY]…  goes on with what was begun
       tenant-failover -journal FILE -status        shows the journal

`

// parse returns [flag.ErrHelp] once it has printed the help that was asked for.
func parse(args []string, out io.Writer) (settings, error) {
	var chosen settings
	flags := flag.NewFlagSet("tenant-failover", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	flags.StringVar(&chosen.tenant, "tenant", "", "`NAME` of the tenant; the journal knows it once the first run has begun")
	flags.Func("plan", "`NAME` or id of a failover plan; may be repeated (default: all plans of the tenant)", func(plan string) error {
		chosen.plans = append(chosen.plans, plan)
		return nil
	})
	flags.BoolVar(&chosen.test, "test", false, "test the plans, which leaves the tenant's machines alone, instead of failing over")
	flags.Func("before", "`TIME` before which points have to be, as in 2026-01-31T08:00:00Z (default: the newest of all)", func(text string) (err error) {
		chosen.before, err = time.Parse(time.RFC3339, text)
		return err
	})
	flags.DurationVar(&chosen.maxAge, "max-age", 0, "`AGE` that the newest point of a machine may have, as in 4h (default: any)")
	flags.BoolVar(&chosen.unready, "accept-unready", false, "begin plans although machines have no point, one that is too old, or are not ready")
	flags.StringVar(&chosen.file, "journal", "", "`FILE` that says how far everything has come; every run needs it")
	flags.IntVar(&chosen.parallel, "parallel", 2, "`N` plans are under way at the same time")
	flags.BoolVar(&chosen.dryRun, "dry-run", false, "look at all machines, start nothing and leave the journal alone")
	flags.BoolVar(&chosen.status, "status", false, "show the journal and do nothing, also while another run is at work")
	flags.Func("retry", "`KEY` of a plan whose failover has failed, or whose outcome is unknown, to be started again: look first,\n"+
		"because nothing else keeps it from being failed over twice; may be repeated", func(key string) error {
		chosen.retry = append(chosen.retry, key)
		return nil
	})
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		flags.SetOutput(out)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nCLOUDREPLICA_URL, CLOUDREPLICA_USER, CLOUDREPLICA_PASSWORD and CLOUDREPLICA_THUMBPRINT name an Enterprise\n"+
			"Manager; without them one is simulated. CLOUDREPLICA_TENANT and CLOUDREPLICA_TENANT_PASSWORD sign in for a tenant,\n"+
			"who may not be allowed to -test.\n")
	}
	if err != nil {
		return settings{}, err
	}
	return chosen, chosen.check(flags.Args())
}

// check refuses what makes no sense together.
func (s *settings) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is not understood; -h shows what is", rest[0])
	case s.parallel < 1:
		return fmt.Errorf("with -parallel %d nothing can be started", s.parallel)
	case s.maxAge < 0:
		return fmt.Errorf("-max-age %s: no point is as young as that", s.maxAge)
	case s.test && !s.before.IsZero():
		return errors.New("a test takes the newest points: -before does not go with -test")
	case slices.Contains(s.plans, ""):
		return errors.New("the name of the plan is empty")
	case s.file == "" && (s.status || len(s.retry) > 0):
		return errors.New("name the journal with -journal")
	case s.dryRun && (s.status || len(s.retry) > 0):
		return errors.New("-dry-run leaves the journal alone: it goes with neither -status nor -retry")
	}
	return nil
}

func (p program) run(ctx context.Context, args []string, out io.Writer) (err error) {
	chosen, err := parse(args, out)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case chosen.status:
		return printStatus(chosen.file, out) //nolint:contextcheck // a file is read, and nothing waits
	}
	client, closeServer, err := p.connect(&chosen, out)
	if err != nil {
		return err
	}
	defer closeServer()
	defer func() { err = join(err, signOut(ctx, client)) }()
	if chosen.dryRun {
		return newRunbook(client, nil, chosen, out).rehearse(ctx)
	}
	journal, err := p.open(chosen.file)
	if err != nil {
		return err
	}
	defer func() { err = join(err, journal.Close()) }()
	for _, key := range chosen.retry {
		if err := drkit.Retry(ctx, journal, key); err != nil {
			return fmt.Errorf("-retry %q: %w; -status shows the keys", key, err)
		}
	}
	return newRunbook(client, journal, chosen, out).run(ctx)
}

// connect returns a client for the Enterprise Manager that the environment names, or else for a simulated one, for
// which it fills in what was left out. It refuses to guess at a real one.
func (p program) connect(chosen *settings, out io.Writer) (*cloudreplica.Client, func(), error) {
	options := p.options[:len(p.options):len(p.options)]
	if chosen.dryRun {
		options = append(options, drkit.WithReadOnly())
	}
	client, err := cloudreplica.FromEnv(options...)
	switch {
	case errors.Is(err, cloudreplica.ErrNoEndpoint):
		fmt.Fprintln(out, "no CLOUDREPLICA_URL is set: using a simulated Enterprise Manager")
		return simulate(chosen, options)
	case err != nil:
		return nil, nil, err
	case chosen.file == "" && !chosen.dryRun:
		return nil, nil, errors.New("this starts plans for real: name a file for the journal with -journal")
	}
	return client, func() {}, nil
}

// signOut ends the session, also after an interrupt.
func signOut(ctx context.Context, client *cloudreplica.Client) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return client.Close(ctx)
}

// join puts what came second behind what came first, on one line.
func join(first, second error) error {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	default:
		return fmt.Errorf("%w; %w", first, second)
	}
}
