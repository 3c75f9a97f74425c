// Command support-bundle fetches what the vendor's support asks for: it lets an appliance collect its logs and
// its configuration, downloads that archive and verifies it.
//
// It runs on a simulated appliance, whose first download breaks off once. VCAV_URL, VCAV_USER, VCAV_PASSWORD and
// VCAV_THUMBPRINT point it at a real one. An interrupt ends it at once and leaves no half of a file behind; a
// bundle that was being collected then is there a little later, and can be downloaded with -id.
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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "support-bundle:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	job := job{out: out}
	if err := job.parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	closeServer, err := job.connect()
	if err != nil {
		return err
	}
	defer closeServer()
	defer func() { err = errors.Join(err, signOut(ctx, job.client)) }()
	return job.run(ctx)
}

// parse reads the flags and refuses what cannot be meant.
func (j *job) parse(args []string) error {
	flags := flag.NewFlagSet("support-bundle", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	flags.BoolVar(&j.list, "list", false, "show the bundles that are there, and do nothing else")
	flags.StringVar(&j.id, "id", "", "download the bundle of this id instead of making one")
	flags.StringVar(&j.directory, "to", "", "directory for the file (default: this one; simulated: one that is removed at the end)")
	flags.BoolVar(&j.remove, "delete", false, "delete the bundle from the appliance once it is here")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(j.out)
		flags.Usage()
	}
	if err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is no flag, and there are no arguments", flags.Arg(0))
	case j.list && (j.id != "" || j.remove || j.directory != ""):
		return errors.New("-list does nothing else")
	}
	return nil
}

// connect makes a client for the appliance that the environment names, or else for a simulated one.
func (j *job) connect() (closeServer func(), err error) {
	polling := drkit.WithPolling(drkit.PollPolicy{MinInterval: 200 * time.Millisecond})
	j.client, err = vcav.FromEnv(polling)
	switch {
	case errors.Is(err, vcav.ErrNoEndpoint):
		fmt.Fprintln(j.out, "no VCAV_URL is set: using a simulated appliance")
		return j.simulate(polling)
	case j.directory == "":
		j.directory = "."
	}
	return func() {}, err
}

// simulate makes a client for an appliance that has a bundle already.
func (j *job) simulate(options ...drkit.Option) (closeAll func(), err error) {
	server, err := vcavtest.Start(vcavtest.TaskDuration(100*time.Millisecond, 900*time.Millisecond), vcavtest.BundleSize(12<<20),
		vcavtest.SupportBundles(vcavtest.SupportBundle{ID: "71b0f9c4-2e58-4d6a-93c7-a85f0d1e4b26"}))
	if err != nil {
		return nil, err
	}
	closeAll = server.Close
	server.Inject(vcavtest.Fault{Operation: "SupportBundles.Download", After: true, AfterBytes: 5 << 20, Drop: true, Times: 1})
	j.client, err = vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), append(options, server.Options()...)...)
	if err == nil && j.directory == "" {
		j.directory, err = os.MkdirTemp("", "support-bundle-")
		closeAll = func() { server.Close(); _ = os.RemoveAll(j.directory) }
	}
	if err != nil {
		closeAll()
		return nil, err
	}
	return closeAll, nil
}

// signOut ends the session, also after an interrupt.
func signOut(ctx context.Context, client *vcav.Client) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return client.Close(ctx)
}
