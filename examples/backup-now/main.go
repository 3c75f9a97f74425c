// Command backup-now backs up a vault, or some of what it protects, waits until every backup has ended, and reports
// what was skipped or has failed, and why.
//
// The request is sent once, also where its answer is lost. Where the checkpoint is not ready in time, or the program
// was interrupted, it prints a token; with -resume another run goes on waiting.
//
// It runs on a simulated region. The variables of checkpoints.FromEnv name a real one, where -vault or -resource must
// say what is backed up. It exits with 1 unless all of that is.
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
	"github.com/drkit-go/drkit/checkpoints"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "backup-now:", err)
		os.Exit(1)
	}
}

// settings are what the command line asks for.
type settings struct {
	vault       string   // name or id; empty: the one that protects the resources
	resources   []string // names or ids; empty: all of the vault
	full        bool
	name        string // of the backups; empty: one that no other run has
	description string
	token       string // of an earlier run
	patience    time.Duration
	dryRun      bool
}

// parse returns [flag.ErrHelp] once it has printed the help that was asked for.
func parse(args []string, out io.Writer) (settings, error) {
	var chosen settings
	flags := flag.NewFlagSet("backup-now", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	flags.StringVar(&chosen.vault, "vault", "", "`NAME` or id of the vault (default: the one that protects the resources)")
	flags.Func("resource", "`NAME` or id of a server, disk or file system of the vault; may be repeated (default: all of the vault)", func(name string) error {
		if name = strings.TrimSpace(name); name == "" {
			return errors.New("the name is empty")
		}
		chosen.resources = append(chosen.resources, name)
		return nil
	})
	flags.BoolVar(&chosen.full, "full", false, "back up everything, and not only what has changed")
	flags.StringVar(&chosen.name, "name", "", "`NAME` of the backups: letters, digits, underscores and hyphens (default: one that no other run has)")
	flags.StringVar(&chosen.description, "description", "", "`TEXT` that the backups carry")
	flags.DurationVar(&chosen.patience, "patience", 24*time.Hour, "how `LONG` to wait for the backups, which go on after that")
	flags.StringVar(&chosen.token, "resume", "", "back up nothing, and wait for the checkpoint of an earlier run, whose `TOKEN` it has shown")
	flags.BoolVar(&chosen.dryRun, "dry-run", false, "show what would be backed up, and change nothing")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, "usage: backup-now [-vault NAME] [-resource NAME]… [-full] [-name NAME] [-description TEXT] [-patience LONG] [-dry-run]\n       backup-now -resume TOKEN [-patience LONG]\n\n")
		flags.SetOutput(out)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nOS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_USER_DOMAIN_NAME, OS_PROJECT_NAME and OS_REGION_NAME, or others of\n"+
			"checkpoints.FromEnv, name a region of a cloud; without them one is simulated.\n")
	}
	if err != nil {
		return settings{}, err
	}
	return chosen, chosen.check(flags.Args())
}

// check refuses what makes no sense together.
func (s settings) check(rest []string) error {
	alone := settings{token: s.token, patience: s.patience}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is not understood; -h shows what is", rest[0])
	case s.patience <= 0:
		return fmt.Errorf("with -patience %v nothing can end", s.patience)
	case s.token != "" && (len(s.resources) > 0 || s.vault != alone.vault || s.full || s.name != "" || s.description != "" || s.dryRun):
		return errors.New("-resume backs up nothing: it goes with -patience alone")
	default:
		return nil
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	chosen, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	client, closeAll, err := connect(&chosen, out)
	if err != nil {
		return err
	}
	defer closeAll()
	defer func() { err = join(err, client.Close(context.WithoutCancel(ctx))) }()
	return work(ctx, client, chosen, out)
}

// connect returns a client for the region that the environment names, or else for a simulated one, for which it
// fills in what was left out. It refuses to guess in a real one.
func connect(chosen *settings, out io.Writer) (client *checkpoints.Client, closeAll func(), err error) {
	var options []drkit.Option
	if chosen.dryRun {
		options = append(options, drkit.WithReadOnly())
	}
	client, err = checkpoints.FromEnv(options...)
	switch {
	case err == nil && chosen.vault == "" && len(chosen.resources) == 0 && chosen.token == "":
		return nil, nil, errors.New("this backs up for real: say what with -vault or -resource")
	case !errors.Is(err, checkpoints.ErrNoCloud):
		return client, func() {}, err
	case chosen.token != "":
		return nil, nil, fmt.Errorf("-resume needs the region of the earlier run: %w", err)
	}
	fmt.Fprintln(out, "no OS_AUTH_URL is set: using a simulated region")
	return simulate(chosen, options)
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
