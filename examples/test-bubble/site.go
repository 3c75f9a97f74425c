package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// site is the appliance of the site that recovers, and who signs in at the other.
type site struct {
	client *vsphere.Client
	remote func() (vsphere.Credentials, error) // asked for only where there is another site
}

// connect returns the appliance that the environment names, or else a simulated one, for which it fills in what was
// left out. It refuses to guess on a real one.
func (p program) connect(chosen *settings, out io.Writer) (site, func(), error) {
	options := slices.Clone(p.options)
	if chosen.dryRun {
		options = append(options, drkit.WithReadOnly())
	}
	client, err := vsphere.FromEnv(append([]drkit.Option{
		patient(2*time.Second, chosen.limit), drkit.WithRateLimit(chosen.rate/60, 10), // as the client by itself does
	}, options...)...)
	switch {
	case errors.Is(err, vsphere.ErrNoEndpoint):
		fmt.Fprintln(out, "no VSPHERE_REPLICATION_URL is set: using two simulated sites")
		return simulate(chosen, options)
	case err != nil:
		return site{}, nil, err
	}
	return site{client, vsphere.RemoteFromEnv}, func() {}, chosen.checkReal()
}

// patient lets waits look so soon first, and go on while the appliance is away: they come before the end of a test.
func patient(first, limit time.Duration) drkit.Option {
	return drkit.WithPolling(drkit.PollPolicy{MinInterval: first, MaxUnreachable: limit})
}

// checkReal refuses what nobody may leave open on a real appliance.
func (s settings) checkReal() error {
	switch {
	case s.dryRun:
		return nil
	case s.file == "":
		return errors.New("this makes test machines for real: name a file for the journal with -journal")
	default:
		return nil
	}
}

// signOut ends the session, also after an interrupt.
func signOut(ctx context.Context, client *vsphere.Client) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return client.Close(ctx)
}

// enter finds the pairing and signs in at its other site. That this one cannot be had now is in cutOff alone.
func (j *job) enter(ctx context.Context) error {
	info, err := j.client.Appliance.Info(ctx)
	if err != nil {
		return err
	}
	pairings, err := drkit.Collect(j.client.Pairings.List(ctx, vsphere.ListQuery{}))
	if err != nil {
		return err
	}
	var found []vsphere.Pairing
	for _, one := range pairings {
		if j.pairing == "" || one.PairingID == j.pairing {
			found = append(found, one)
		}
	}
	switch {
	case len(found) == 0 && j.pairing != "":
		return fmt.Errorf("%s has no pairing %s", info.Name, j.pairing)
	case len(found) == 0:
		return fmt.Errorf("%s is not paired with another site", info.Name)
	case len(found) > 1:
		return fmt.Errorf("%s has %d pairings: choose one with -pairing, as in -pairing %s", info.Name, len(found), found[0].PairingID)
	}
	j.appliance, j.pair, j.view = info.ID, found[0], j.client.Pairing(found[0].PairingID)
	if j.pair.OneVCenter() {
		return nil
	}
	remote, err := j.remote()
	if err != nil {
		return err
	}
	err = j.view.RemoteSession.SignIn(ctx, remote)
	if errors.Is(err, drkit.ErrUnauthorized) || ctx.Err() != nil {
		return err
	}
	j.cutOff = err
	return nil
}

// places finds where the test machines go.
func (j *job) places(ctx context.Context) error {
	var err error
	if j.folder, err = j.place(ctx, "-folder", j.folder, j.view.Folders.List); err != nil {
		return err
	}
	j.compute, err = j.place(ctx, "-compute", j.compute, j.view.Compute.List)
	return err
}

// place returns the id of an item of the inventory that is named by its path; an id is taken as it is.
func (j *job) place(ctx context.Context, flag, wanted string, list func(context.Context, string, vsphere.InventoryQuery) iter.Seq2[vsphere.InventoryItem, error]) (string, error) {
	if !strings.HasPrefix(wanted, "/") {
		if strings.Contains(wanted, ":") {
			return wanted, nil
		}
		return "", fmt.Errorf("say with %s where the test machines go: a path such as /DC/Tests, or an id", flag)
	}
	wanted = strings.TrimRight(wanted, "/")
	at, id := "/", ""
	for at != wanted {
		var next vsphere.InventoryItem
		for item, err := range list(ctx, j.pair.LocalVCServer.ID, vsphere.InventoryQuery{Path: at}) {
			if err != nil {
				return "", err
			}
			if item.Path == wanted || strings.HasPrefix(wanted, item.Path+"/") {
				next = item
			}
		}
		if next.ID == "" || next.Path == at {
			return "", fmt.Errorf("%s: there is no %s", flag, wanted)
		}
		at, id = next.Path, next.ID
	}
	return id, nil
}
