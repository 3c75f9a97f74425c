// Command test-failover rehearses the recovery of a whole organization: for each of its machines it starts a
// test failover, checks that the test machine is there, and removes it again. A table tells how that went.
//
// An interrupt leaves no test machine behind: no further rehearsal begins, and those begun are brought to an
// end. A second interrupt ends the program at once and names what is left.
//
// It runs on a simulated appliance. VCAV_URL, VCAV_USER, VCAV_PASSWORD and VCAV_THUMBPRINT point it at the
// real one of a recovery site, where -org must name the organization, because the test machines are real.
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
	"github.com/drkit-go/drkit/vcav"
)

func main() {
	// Who reads the output may go first, as tee does at Ctrl-C. What was begun is cleaned up all the same.
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
	if err := run(ctx, last, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "test-failover:", err)
		os.Exit(1)
	}
}

// run does it all. The end of ctx is an interrupt; that of last, which ends ctx too, is the second one.
func run(ctx, last context.Context, args []string, out io.Writer) (err error) {
	job := job{out: &lines{out: out}}
	err = job.parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	closeServer, err := job.connect(ctx)
	if err != nil {
		return err
	}
	defer closeServer()
	defer func() {
		if failed := signOut(last, job.client); err == nil {
			err = failed
		}
	}()
	return job.run(ctx, last)
}

// parse reads the flags and refuses what cannot be meant. It returns [flag.ErrHelp] once it has printed the help
// that was asked for.
func (j *job) parse(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("test-failover", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	flags.StringVar(&j.org, "org", "", "rehearse the machines of this organization; needed on a real appliance")
	flags.StringVar(&j.named, "vm", "", "only those whose name contains this")
	flags.IntVar(&j.parallel, "parallel", 4, "how many to rehearse at once")
	flags.BoolVar(&j.powerOn, "power-on", false, "power the test machines on; mind which networks they are in then")
	flags.DurationVar(&j.limit, "cleanup-timeout", 30*time.Minute, "how long the clean-up of a test may take, with the wait for its end")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(out)
		flags.Usage()
	}
	if err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is no flag, and there are no arguments", flags.Arg(0))
	case j.parallel < 1:
		return fmt.Errorf("with -parallel %d nothing can run", j.parallel)
	case j.limit <= 0:
		return fmt.Errorf("-cleanup-timeout %s leaves no time to clean up", j.limit)
	}
	// An appliance that is away for a while must not end the wait that comes before the clean-up.
	j.polling = drkit.WithPolling(drkit.PollPolicy{MinInterval: 200 * time.Millisecond, MaxUnreachable: j.limit})
	return nil
}

// connect makes a client for the appliance that the environment names, or else for a simulated one.
func (j *job) connect(ctx context.Context) (closeServer func(), err error) {
	j.client, err = vcav.FromEnv(j.polling)
	switch {
	case errors.Is(err, vcav.ErrNoEndpoint):
		fmt.Fprintln(j.out, "no VCAV_URL is set: using a simulated appliance")
		return j.simulate(ctx)
	case err == nil && j.org == "":
		return nil, errors.New("this makes machines at a real site: name the organization to rehearse with -org")
	}
	return func() {}, err
}

// signOut ends the session, also after an interrupt, but not after a second one: then nothing may take time.
func signOut(last context.Context, client *vcav.Client) error {
	ctx, cancel := context.WithTimeout(last, 10*time.Second)
	defer cancel()
	if err := client.Close(ctx); last.Err() == nil {
		return err
	}
	return nil
}
