// Command test-bubble rehearses the recovery of machines that vSphere Replication protects: each replication is
// paused, the newest point in time is tested in a bubble, the active image is looked at, the bubble is removed or, with
// -promote, what it holds is kept as a point in time, and the replication is resumed. A table tells how that went.
//
// An interrupt leaves nothing behind: no further rehearsal begins, and those begun are brought to an end. Every step is
// in a journal before it is sent, so that the program may also be killed at any moment: the next run with the same
// journal goes on where it was cut off, and sends nothing twice.
//
// It runs on two simulated sites. VSPHERE_REPLICATION_URL, …_USER, …_PASSWORD and …_THUMBPRINT point it at the real
// appliance of the site that recovers, VSPHERE_REPLICATION_REMOTE_USER and …_REMOTE_PASSWORD name a user at the other
// site. There -vm or -all says what to rehearse, and -folder, -compute and -journal are needed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/drkit-go/drkit"
)

func main() {
	// Who reads the output may go first, as tee does at Ctrl-C. What was begun is brought to an end all the same.
	signal.Ignore(syscall.SIGPIPE)
	last, end := context.WithCancelCause(context.Background())
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(last, signals...)
	defer stop()
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt)
	go func() {
		<-interrupts
		<-interrupts
		end(errors.New("interrupted twice"))
		signal.Reset(os.Interrupt) // a third one kills
	}()
	if err := (program{open: openJournal}).run(ctx, last, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "test-bubble:", err)
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
	pairing         string   // id; empty: the only one
	names           []string // of machines, or ids of replications
	all             bool
	folder, compute string // paths or ids
	powerOn         bool
	promote         bool
	file            string // of the journal
	parallel        int
	rate            float64       // requests a minute
	limit           time.Duration // to bring one rehearsal to its end
	dryRun          bool
	status          bool
	retry           []string // keys of steps
}

// usage comes before the flags in the help.
const usage = `usage: test-bubble [-vm NAME]… [-all] -folder PLACE -compute PLACE -journal FILE [-promote] [-power-on] [-parallel N]
       test-bubble -journal FILE [-retry KEY]…   ends what an earlier run has left, and rehearses what has not passed
       test-bubble … -dry-run                    shows what would be rehearsed, and changes nothing
       test-bubble -journal FILE -status         shows the journal

`

// parse returns [flag.ErrHelp] once it has printed the help that was asked for.
func parse(args []string, out io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("test-bubble", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	appendTo := func(list *[]string) func(string) error {
		return func(text string) error { *list = append(*list, text); return nil }
	}
	flags.StringVar(&s.pairing, "pairing", "", "`ID` of the pairing; needed where the site has several")
	flags.Func("vm", "`NAME` of a machine to rehearse, or id of its replication; may be repeated", appendTo(&s.names))
	flags.BoolVar(&s.all, "all", false, "rehearse all incoming replications of the pairing")
	flags.StringVar(&s.folder, "folder", "", "`PLACE` for the test machines: path or id of a folder or datacenter, as in /DC/Tests")
	flags.StringVar(&s.compute, "compute", "", "`PLACE` that runs them: path or id of a resource pool, cluster or host")
	flags.BoolVar(&s.powerOn, "power-on", false, "power the test machines on; mind which networks they are in then")
	flags.BoolVar(&s.promote, "promote", false, "keep what was tested as a point in time, which recoveries then prefer over newer ones")
	flags.StringVar(&s.file, "journal", "", "`FILE` that says how far everything has come; all runs of a rehearsal share it")
	flags.IntVar(&s.parallel, "parallel", 4, "how many to rehearse at once")
	flags.Float64Var(&s.rate, "rate", 36, "requests a minute, which is what an appliance lets pass unless it is told otherwise")
	flags.DurationVar(&s.limit, "end-timeout", 30*time.Minute, "how long it may take to bring one rehearsal to its end")
	flags.BoolVar(&s.dryRun, "dry-run", false, "show what would be rehearsed, and change nothing")
	flags.BoolVar(&s.status, "status", false, "show the journal and do nothing, also while another run is at work")
	flags.Func("retry", "`KEY` of a step whose outcome is unknown, to be sent again: look first; may be repeated", appendTo(&s.retry))
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		flags.SetOutput(out)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nVSPHERE_REPLICATION_URL and the other variables name an appliance; without them two sites are simulated.\n")
	}
	if err != nil {
		return settings{}, err
	}
	return s, s.check(flags.Args())
}

func (s settings) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is not understood; -h shows what is", rest[0])
	case s.parallel < 1:
		return fmt.Errorf("with -parallel %d nothing can run", s.parallel)
	case s.rate <= 0:
		return fmt.Errorf("with -rate %v nothing can be asked", s.rate)
	case s.limit <= 0:
		return fmt.Errorf("-end-timeout %s leaves no time to clean up", s.limit)
	case s.all && len(s.names) > 0:
		return errors.New("-all rehearses everything: leave -vm out")
	case s.file == "" && (s.status || len(s.retry) > 0):
		return errors.New("name the journal with -journal")
	case s.dryRun && len(s.retry) > 0:
		return errors.New("-retry changes the journal, and -dry-run nothing")
	default:
		return nil
	}
}

// run does it all. The end of ctx is an interrupt; that of last, which ends ctx too, is the second one.
func (p program) run(ctx, last context.Context, args []string, out io.Writer) (err error) {
	chosen, err := parse(args, out)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case chosen.status:
		return printStatus(chosen.file, out) //nolint:contextcheck // a file is read, and nothing waits
	}
	site, closeSites, err := p.connect(&chosen, out)
	if err != nil {
		return err
	}
	defer closeSites()
	defer func() { err = both(err, signOut(last, site.client)) }()
	return p.work(ctx, last, site, chosen, out)
}

// work is what a run does with its client.
func (p program) work(ctx, last context.Context, site site, chosen settings, out io.Writer) (err error) {
	j := &job{settings: chosen, site: site, out: &lines{out: out}}
	if chosen.dryRun {
		return j.show(ctx)
	}
	opened, err := p.open(chosen.file)
	if err != nil {
		return err
	}
	defer func() { err = both(err, opened.Close()) }()
	for _, key := range chosen.retry {
		if err := drkit.Retry(ctx, opened, key); err != nil {
			return err
		}
	}
	j.journal = opened
	return j.run(ctx, last)
}
