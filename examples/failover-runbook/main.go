// Command failover-runbook fails a whole site over: every machine that is replicated from it gets a last
// synchronization, is paused, failed over and verified, in waves that set the start order. Each step is in a
// journal before it is sent. The program may be killed at any moment and run again: it finds out how far each
// machine has come, and nothing is failed over twice. The machines at the failed site are left as they are: one
// that still runs is better moved by a planned migration.
//
// It runs on a simulated appliance. VCAV_URL, VCAV_USER, VCAV_PASSWORD and VCAV_THUMBPRINT point it at the real
// one of the recovery site, where -site must name the site that has failed, and -journal the file that every
// run shares. It exits with 1 unless every machine is recovered.
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
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once, which does no harm
	if err := (program{open: openJournal}).run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "failover-runbook:", err)
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
	site     string     // that has failed
	waves    [][]string // names of machines or ids of replications; the others make the last wave
	file     string     // of the journal
	parallel int        // machines at once
	sync     syncMode
	stop     bool     // a wave that fails is the last
	retry    []string // keys of steps
	status   bool
}

// syncMode says what the last synchronization is worth.
type syncMode string

const (
	syncTry  syncMode = "try"  // a machine that it fails for comes up as of its latest instance
	syncMust syncMode = "must" // a machine that it fails for is not failed over
	syncNo   syncMode = "no"
)

// usage comes before the flags in the help.
const usage = `usage: failover-runbook -site SITE -journal FILE [-wave NAME[,NAME]…]… [-parallel N] [-sync try|must|no] [-stop]
       failover-runbook -journal FILE [-retry KEY]…      goes on with what was begun
       failover-runbook -journal FILE -status            shows the journal

`

// parse returns [flag.ErrHelp] once it has printed the help that was asked for.
func parse(args []string, out io.Writer) (settings, error) {
	var chosen settings
	flags := flag.NewFlagSet("failover-runbook", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	flags.StringVar(&chosen.site, "site", "", "`SITE` that has failed; the journal knows it once the first run has begun")
	flags.StringVar(&chosen.file, "journal", "", "`FILE` that says how far everything has come; every run needs it")
	flags.Func("wave", "`NAMES` of machines that start together, or ids of their replications, with commas between them;\n"+
		"may be repeated: a wave begins once the one before it has ended, and the machines\n"+
		"that no wave names make the last one", chosen.addWave)
	flags.IntVar(&chosen.parallel, "parallel", 4, "`N` machines of a wave are failed over at the same time")
	mode := flags.String("sync", string(syncTry), "what the last synchronization is worth: with try, a `MODE`, machines that it fails for\n"+
		"come up as of their latest instance; with must they are not failed over; with no there is none")
	flags.BoolVar(&chosen.stop, "stop", false, "begin no further wave once a machine has failed")
	flags.Func("retry", "`KEY` of a step that has failed, or whose outcome is unknown, to be sent again: look first,\n"+
		"because nothing else keeps it from running twice; may be repeated", func(key string) error {
		chosen.retry = append(chosen.retry, key)
		return nil
	})
	flags.BoolVar(&chosen.status, "status", false, "show the journal and do nothing, also while another run is at work")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		flags.SetOutput(out)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nVCAV_URL, VCAV_USER, VCAV_PASSWORD and VCAV_THUMBPRINT name an appliance; without them one is simulated.\n")
	}
	if err != nil {
		return settings{}, err
	}
	chosen.sync = syncMode(*mode)
	switch {
	case flags.NArg() > 0:
		return settings{}, fmt.Errorf("%q is not understood; -h shows what is", flags.Arg(0))
	case chosen.parallel < 1:
		return settings{}, fmt.Errorf("with -parallel %d nothing can be failed over", chosen.parallel)
	case !slices.Contains([]syncMode{syncTry, syncMust, syncNo}, chosen.sync):
		return settings{}, fmt.Errorf("-sync is try, must or no, and not %q", chosen.sync)
	case chosen.file == "" && (chosen.status || len(chosen.retry) > 0):
		return settings{}, errors.New("name the journal with -journal")
	}
	return chosen, nil
}

func (s *settings) addWave(names string) error {
	var wave []string
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			return errors.New("a name is empty")
		}
		wave = append(wave, name)
	}
	s.waves = append(s.waves, wave)
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
	return p.work(ctx, client, chosen, out)
}

// work is what a run does with its client.
func (p program) work(ctx context.Context, client *vcav.Client, chosen settings, out io.Writer) (err error) {
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
	return newRunbook(client, journal, chosen, out).run(ctx)
}

// connect returns a client for the appliance that the environment names, or else for a simulated one, for which
// it fills in what was left out. It refuses to guess on a real one.
func (p program) connect(chosen *settings, out io.Writer) (client *vcav.Client, closeServer func(), err error) {
	client, err = vcav.FromEnv(p.options...)
	switch {
	case err == nil && chosen.file == "":
		return nil, nil, errors.New("this fails machines over for real: name a file for the journal with -journal")
	case !errors.Is(err, vcav.ErrNoEndpoint):
		return client, func() {}, err
	}
	fmt.Fprintln(out, "no VCAV_URL is set: using a simulated appliance")
	return simulate(chosen, p.options)
}

// signOut ends the session, also after an interrupt.
func signOut(ctx context.Context, client *vcav.Client) error {
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
