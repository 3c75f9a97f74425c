// Command planned-migration moves machines to another site, wave after wave: a wave begins once the one
// before it has ended well. Everything is looked at before anything is changed; then each machine is
// synchronized, migrated and verified, and with -reverse protected in the other direction.
//
// It runs on a simulated appliance. VCAV_URL, VCAV_USER, VCAV_PASSWORD and VCAV_THUMBPRINT point it at a real
// one, where -to and -wave or -all must say what moves where. It may be run again: machines that have moved
// are skipped. It exits with 1 unless every machine has moved.
package main

import (
	"cmp"
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
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "planned-migration:", err)
		os.Exit(1)
	}
}

// settings are what the command line asks for.
type settings struct {
	to       string     // site
	waves    [][]string // names of machines or ids of replications
	org      string     // whose other machines make the last wave; empty: nobody's
	parallel int        // machines at once
	reverse  bool
	dryRun   bool
}

// usage comes before the flags in the help.
const usage = `usage: planned-migration -to SITE -wave NAME[,NAME]… [-wave …] [-parallel N] [-reverse] [-dry-run]
       planned-migration -to SITE -org ORG -all [-wave …] …

`

// parse returns [flag.ErrHelp] once it has printed the help that was asked for.
func parse(args []string, out io.Writer) (settings, error) {
	var chosen settings
	flags := flag.NewFlagSet("planned-migration", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is printed once, by main
	flags.StringVar(&chosen.to, "to", "", "`SITE` that the machines move to")
	flags.Func("wave", "`NAMES` of machines that move together, or ids of their replications, with commas between them;\n"+
		"may be repeated: a wave begins once the one before it has ended well", chosen.addWave)
	flags.StringVar(&chosen.org, "org", "", "`ORG` that the machines of -all come from")
	all := flags.Bool("all", false, "move also, as the last wave, all other machines of -org")
	flags.IntVar(&chosen.parallel, "parallel", 4, "`N` machines of a wave move at the same time")
	flags.BoolVar(&chosen.reverse, "reverse", false, "protect the machines in the other direction, which removes the original ones")
	flags.BoolVar(&chosen.dryRun, "dry-run", false, "look at everything and change nothing")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		flags.SetOutput(out)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nVCAV_URL, VCAV_USER, VCAV_PASSWORD and VCAV_THUMBPRINT name an appliance; without them one is simulated.\n")
	}
	switch {
	case err != nil:
		return settings{}, err
	case flags.NArg() > 0:
		return settings{}, fmt.Errorf("%q is not understood; -h shows what is", flags.Arg(0))
	case *all != (chosen.org != ""):
		return settings{}, errors.New("-org and -all go together")
	case chosen.parallel < 1:
		return settings{}, fmt.Errorf("with -parallel %d nothing can move", chosen.parallel)
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

// complete fills in what may be left out on a simulated appliance, and refuses to guess on a real one.
func (s *settings) complete(simulated bool) error {
	named := len(s.waves) > 0 || s.org != ""
	switch {
	case simulated:
		s.to = cmp.Or(s.to, "site2")
		if !named {
			s.waves = [][]string{{"db-1"}, {"app-1", "web-1"}}
		}
	case s.to == "":
		return errors.New("this moves machines for real: name the site that they move to with -to")
	case !named:
		return errors.New("this moves machines for real: name them with -wave, or all of an organization with -org and -all")
	}
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
	var options []drkit.Option
	if chosen.dryRun {
		options = append(options, drkit.WithReadOnly())
	}
	client, simulated, closeServer, err := connect(out, options)
	if err != nil {
		return err
	}
	defer closeServer()
	defer func() { err = errors.Join(err, signOut(ctx, client)) }()
	if err := chosen.complete(simulated); err != nil {
		return err
	}
	return newRunbook(client, chosen, out).run(ctx)
}

// connect returns a client for the appliance that the environment names, or else for a simulated one.
func connect(out io.Writer, options []drkit.Option) (client *vcav.Client, simulated bool, closeServer func(), err error) {
	client, err = vcav.FromEnv(options...)
	if !errors.Is(err, vcav.ErrNoEndpoint) {
		return client, false, func() {}, err
	}
	server, err := vcavtest.Start(vcavtest.TaskDuration(30*time.Millisecond, 200*time.Millisecond))
	if err != nil {
		return nil, true, nil, err
	}
	fmt.Fprintln(out, "no VCAV_URL is set: using a simulated appliance")
	options = append(options, server.Options()...)
	options = append(options, drkit.WithPolling(drkit.PollPolicy{MinInterval: 70 * time.Millisecond}))
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
