// Command quickstart takes one machine through a whole recovery: it rehearses the failover, cleans up,
// fails over for real, and turns the replication around.
//
// It runs on a simulated appliance. VCAV_URL, VCAV_USER, VCAV_PASSWORD and VCAV_THUMBPRINT point it at a
// real one, where -replication must name the machine's replication, because the failover is real and the
// reversal removes the original machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// settings are what the command line asks for.
type settings struct {
	dryRun      bool
	replication string // id; empty: the first one, where it is simulated
}

// parse returns [flag.ErrHelp] once it has printed the help that was asked for.
func parse(args []string, out io.Writer) (settings, error) {
	var chosen settings
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	flags.BoolVar(&chosen.dryRun, "dry-run", false, "send nothing that changes anything, and show what would be done")
	flags.StringVar(&chosen.replication, "replication", "", "`ID` of the replication to fail over; needed on a real appliance")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, "usage: quickstart [-dry-run] [-replication ID]\n\n")
		flags.SetOutput(out)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nVCAV_URL, VCAV_USER, VCAV_PASSWORD and VCAV_THUMBPRINT name an appliance; without them one is simulated.\n")
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("%q is not understood; -h shows what is", flags.Arg(0))
	}
	return chosen, err
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	chosen, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	var requests atomic.Int64
	options := []drkit.Option{drkit.WithMiddleware(count(&requests))}
	if chosen.dryRun {
		options = append(options, drkit.WithReadOnly())
	}
	client, simulated, closeServer, err := connect(out, options)
	if err != nil {
		return err
	}
	defer closeServer()
	began := time.Now()
	defer func() {
		err = errors.Join(err, signOut(ctx, client))
		fmt.Fprintf(out, "signed out; %d requests in %s\n", requests.Load(), time.Since(began).Round(time.Millisecond))
	}()

	job := job{client: client, out: out, dryRun: chosen.dryRun}
	replication, err := job.choose(ctx, chosen.replication, simulated)
	if err != nil {
		return err
	}
	return job.recover(ctx, replication)
}

// connect returns a client for the appliance that the environment names, or else for a simulated one.
func connect(out io.Writer, options []drkit.Option) (client *vcav.Client, simulated bool, closeServer func(), err error) {
	client, err = vcav.FromEnv(options...)
	if !errors.Is(err, vcav.ErrNoEndpoint) {
		return client, false, func() {}, err
	}
	server, err := vcavtest.Start(vcavtest.TaskDuration(100*time.Millisecond, 700*time.Millisecond))
	if err != nil {
		return nil, true, nil, err
	}
	fmt.Fprintln(out, "no VCAV_URL is set: using a simulated appliance")
	options = append(options, server.Options()...)
	options = append(options, drkit.WithPolling(drkit.PollPolicy{MinInterval: 150 * time.Millisecond}))
	client, err = vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), options...)
	if err != nil {
		server.Close()
		return nil, true, nil, err
	}
	return client, true, server.Close, nil
}

// signOut ends the session, also after an interrupt.
func signOut(ctx context.Context, client *vcav.Client) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return client.Close(ctx)
}

// count counts every request that leaves, sign-ins and repeats included.
func count(requests *atomic.Int64) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			requests.Add(1)
			return next.RoundTrip(request)
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
