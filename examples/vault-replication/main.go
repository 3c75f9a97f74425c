// Command vault-replication copies the backups of vaults to another region, waits for every copy, looks for it there,
// and reports what was skipped or has failed, and why. Each replication is in a journal before it is sent: the
// program may be killed at any moment and run again, and no vault is replicated twice by it. A vault replication
// copies what was never copied to that region before, so that a run with a new journal takes what has come since.
//
// It runs on two simulated regions. The variables of checkpoints.FromEnv name a real cloud and the region that the
// backups are in; -to names the other one, and -journal the file that every run shares. It exits with 1 unless every
// backup has its copy.
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

	"github.com/drkit-go/drkit"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once, which does no harm
	if err := (program{open: openJournal}).run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vault-replication:", err)
		os.Exit(1)
	}
}

// program is what a run has besides its command line; tests put their own in.
type program struct {
	options []drkit.Option // of the clients
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
	to          place   // where the copies go
	vaults      []named // empty: all that can be replicated
	destination string  // name or id of the vault for those that name none of their own
	file        string  // of the journal
	parallel    int     // vaults at once
	skips       bool    // a backup that is skipped counts as done
	dryRun      bool
	status      bool
	retry       []string // keys of steps
}

// place is a region, with what is needed to get there.
type place struct {
	Region   string `json:"region"`
	Project  string `json:"project,omitempty"`  // name or id; empty: the one that has the region's name
	Endpoint string `json:"endpoint,omitempty"` // of the backup service; empty: that of the catalogue
}

// named is a vault of the command line, and where its copies go.
type named struct {
	Vault       string `json:"vault"`                 // name or id
	Destination string `json:"destination,omitempty"` // likewise; empty: that of -destination
}

// usage comes before the flags in the help.
const usage = `usage: vault-replication -to REGION -journal FILE [-vault NAME[=DESTINATION]]… [-destination NAME] [-parallel N]
       vault-replication -to REGION -dry-run [-vault …]…   looks at everything and changes nothing
       vault-replication -journal FILE [-retry KEY]…       goes on with what was begun
       vault-replication -journal FILE -status             shows the journal

`

// parse returns [flag.ErrHelp] once it has printed the help that was asked for.
func parse(args []string, out io.Writer) (settings, error) {
	var chosen settings
	flags := flag.NewFlagSet("vault-replication", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	flags.StringVar(&chosen.to.Region, "to", "", "`REGION` that the copies go to; the journal knows it once the first run has begun")
	flags.StringVar(&chosen.to.Project, "to-project", "", "`PROJECT` of that region, by name or id (default: the one that has the name of the region)")
	flags.StringVar(&chosen.to.Endpoint, "to-endpoint", "", "`URL` of the backup service there (default: what the catalogue of the cloud says)")
	flags.Func("vault", "`NAME[=DESTINATION]` or id of a vault, and of the one that its copies go to; may be repeated\n"+
		"(default: all vaults with backups of servers)", chosen.addVault)
	flags.StringVar(&chosen.destination, "destination", "", "`NAME` or id of the vault that copies go to where -vault does not say it\n"+
		"(default: the only one that can take them)")
	flags.StringVar(&chosen.file, "journal", "", "`FILE` that says how far everything has come; every run needs it")
	flags.IntVar(&chosen.parallel, "parallel", 4, "`N` vaults are replicated at the same time")
	flags.BoolVar(&chosen.skips, "accept-skipped", false, "count backups that the service skips as done")
	flags.BoolVar(&chosen.dryRun, "dry-run", false, "look at everything, change nothing and leave the journal alone")
	flags.BoolVar(&chosen.status, "status", false, "show the journal and do nothing, also while another run is at work")
	flags.Func("retry", "`KEY` of a vault whose replication has failed, or whose outcome is unknown, to be sent again: look first,\n"+
		"because nothing else keeps it from running twice; may be repeated", func(key string) error {
		chosen.retry = append(chosen.retry, key)
		return nil
	})
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		flags.SetOutput(out)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nOS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_USER_DOMAIN_NAME, OS_PROJECT_NAME and OS_REGION_NAME, or others of\n"+
			"checkpoints.FromEnv, name a cloud and the region of the vaults; without them two regions are simulated.\n")
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
		return fmt.Errorf("with -parallel %d nothing can be replicated", s.parallel)
	case s.file == "" && (s.status || len(s.retry) > 0):
		return errors.New("name the journal with -journal")
	case s.dryRun && (s.status || len(s.retry) > 0):
		return errors.New("-dry-run leaves the journal alone: it goes with neither -status nor -retry")
	}
	return nil
}

func (s *settings) addVault(text string) error {
	vault, destination, says := strings.Cut(text, "=")
	one := named{strings.TrimSpace(vault), strings.TrimSpace(destination)}
	switch {
	case one.Vault == "":
		return errors.New("the name of the vault is empty")
	case says && one.Destination == "":
		return errors.New("the name of the destination is empty")
	}
	s.vaults = append(s.vaults, one)
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
	cloud, closeAll, err := p.cloud(&chosen, out)
	if err != nil {
		return err
	}
	defer closeAll()
	return p.work(ctx, cloud, chosen, out)
}

// work is what a run does in its cloud.
func (p program) work(ctx context.Context, cloud cloud, chosen settings, out io.Writer) (err error) {
	if chosen.dryRun {
		return p.rehearse(ctx, cloud, chosen, out)
	}
	journal, err := p.open(chosen.file)
	if err != nil {
		return err
	}
	defer func() { err = join(err, journal.Close()) }()
	for _, key := range chosen.retry {
		if err := drkit.Retry(ctx, journal, key); err != nil {
			return err
		}
	}
	agreed, there, err := loadPlan(ctx, journal)
	if err != nil {
		return err
	}
	if there {
		chosen.to = agreed.to(chosen.to)
	}
	regions, err := cloud.regions(ctx, chosen.to, there, p.options)
	if err != nil {
		return err
	}
	defer func() { err = join(err, regions.close(ctx)) }()
	return newRunbook(regions, journal, chosen, out).run(ctx)
}

// rehearse shows what a first run would do.
func (p program) rehearse(ctx context.Context, cloud cloud, chosen settings, out io.Writer) (err error) {
	regions, err := cloud.regions(ctx, chosen.to, false, append(p.options[:len(p.options):len(p.options)], drkit.WithReadOnly()))
	if err != nil {
		return err
	}
	defer func() { err = join(err, regions.close(ctx)) }()
	return newRunbook(regions, nil, chosen, out).rehearse(ctx)
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
