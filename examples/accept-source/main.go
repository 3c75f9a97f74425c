// Command accept-source decides on the appliances that ask to copy their backups to a target: those on the
// allow-list are accepted, each with its storage, all others are rejected with a message. It waits until every
// decision has settled and reports what became of each. A request that nobody can tell the source of, and
// requests that share the name of an allowed one, stay as they are: somebody has to look.
//
// It may be run again at any time: what was decided is no longer pending, no decision is sent twice, and a source
// that is accepted already is waited for. Where a decision has not settled in time, or the program was interrupted,
// it prints a token; with -resume another run goes on waiting.
//
// It runs on a simulated target. UNITRENDS_URL, UNITRENDS_USER, UNITRENDS_PASSWORD and UNITRENDS_THUMBPRINT
// point it at a real one, where it rejects only with -message. It exits with 1 unless every allowed source
// replicates and every other request is rejected.
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

	"github.com/drkit-go/drkit/replication/unitrends"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "accept-source:", err)
		os.Exit(1)
	}
}

// settings are what the command line asks for.
type settings struct {
	allowed  []allowed
	storage  string // name or id, for sources without one of their own
	message  string // for those that are rejected; empty leaves them pending
	tokens   []string
	patience time.Duration
	dryRun   bool
}

// allowed is a source that may copy to the target.
type allowed struct {
	source  string // name or asset tag
	storage string // name or id; empty for the one of -storage
}

// parse returns [flag.ErrHelp] once it has printed the help that was asked for.
func parse(args []string, out io.Writer) (settings, error) {
	var chosen settings
	flags := flag.NewFlagSet("accept-source", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	flags.Func("allow", "`SOURCE[=STORAGE]` to accept: its name or asset tag, and where its copies go; may be repeated", chosen.allow)
	flags.StringVar(&chosen.storage, "storage", "", "`NAME` or id of the storage for sources that are allowed without one")
	flags.StringVar(&chosen.message, "message", "", "`TEXT` that all other sources are rejected with (default: leave them pending)")
	flags.DurationVar(&chosen.patience, "patience", 15*time.Minute, "how `LONG` to wait until a decision has settled: the source finishes by itself")
	flags.Func("resume", "decide nothing, and wait for the decision of an earlier run whose `TOKEN` it has shown; may be repeated", func(token string) error {
		chosen.tokens = append(chosen.tokens, token)
		return nil
	})
	flags.BoolVar(&chosen.dryRun, "dry-run", false, "show what would be decided, and change nothing")
	err := flags.Parse(args)
	chosen.message = strings.TrimSpace(chosen.message)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, "usage: accept-source [-allow SOURCE[=STORAGE]]… [-storage NAME] [-message TEXT] [-patience LONG] [-dry-run]\n       accept-source -resume TOKEN… [-patience LONG]\n\n")
		flags.SetOutput(out)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nUNITRENDS_URL, UNITRENDS_USER, UNITRENDS_PASSWORD and UNITRENDS_THUMBPRINT name a target; without them one is simulated.\n")
	}
	switch {
	case err != nil:
		return settings{}, err
	case flags.NArg() > 0:
		return settings{}, fmt.Errorf("%q is not understood; -h shows what is", flags.Arg(0))
	case chosen.patience <= 0:
		return settings{}, fmt.Errorf("with -patience %v nothing can settle", chosen.patience)
	case len(chosen.tokens) > 0 && (len(chosen.allowed) > 0 || chosen.storage != "" || chosen.message != "" || chosen.dryRun):
		return settings{}, errors.New("-resume decides nothing: it goes with -patience alone")
	default:
		return chosen, nil
	}
}

func (s *settings) allow(text string) error {
	source, storage, named := strings.Cut(text, "=")
	one := allowed{strings.TrimSpace(source), strings.TrimSpace(storage)}
	switch {
	case one.source == "":
		return errors.New("the source is empty")
	case named && one.storage == "":
		return errors.New("the storage is empty")
	}
	for _, other := range s.allowed {
		if other.source == one.source {
			return fmt.Errorf("%q is allowed twice", one.source)
		}
	}
	s.allowed = append(s.allowed, one)
	return nil
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	chosen, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	target, closeAll, err := connect(&chosen, out)
	if err != nil {
		return err
	}
	defer closeAll()
	defer func() { err = errors.Join(err, target.Close(context.WithoutCancel(ctx))) }()
	return decideAll(ctx, target, chosen, out)
}

// connect returns a client for the target that the environment names, or else for a simulated one, for which it
// fills in what was left out.
func connect(chosen *settings, out io.Writer) (target *unitrends.Client, closeAll func(), err error) {
	target, err = unitrends.FromEnv()
	if !errors.Is(err, unitrends.ErrNoEndpoint) {
		return target, func() {}, err
	}
	if len(chosen.tokens) > 0 {
		return nil, nil, fmt.Errorf("-resume needs the target of the earlier run: %w", err)
	}
	fmt.Fprintln(out, "no UNITRENDS_URL is set: using a simulated target")
	return simulate(chosen)
}
