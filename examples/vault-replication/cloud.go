package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// cloud is what the environment says of one, with the region that the vaults are in.
type cloud struct {
	source  checkpoints.Settings
	options []drkit.Option // of its clients
}

// regions are the two ends of a run.
type regions struct{ source, destination region }

// region is one of them, for one project.
type region struct {
	*checkpoints.Client
	name      string
	projectID string
}

// cloud returns the one that the environment names, or else a simulated one, for which it fills in what was left
// out. It refuses to guess in a real one.
func (p program) cloud(chosen *settings, out io.Writer) (found cloud, closeAll func(), err error) {
	found.source, err = checkpoints.SettingsFromEnv()
	switch {
	case err == nil && chosen.file == "" && !chosen.dryRun:
		return cloud{}, nil, errors.New("this replicates for real: name a file for the journal with -journal")
	case !errors.Is(err, checkpoints.ErrNoCloud):
		return found, func() {}, err
	}
	fmt.Fprintln(out, "no OS_AUTH_URL is set: using two simulated regions")
	return simulate(chosen)
}

// regions signs in at both ends. The other end is like this one but for its region and its project.
func (c cloud) regions(ctx context.Context, to place, options []drkit.Option) (found regions, err error) {
	if to.Region == "" {
		return regions{}, errors.New("name the region that the copies go to with -to")
	}
	if c.source.Token != (drkit.Secret{}) && c.source.AuthURL == "" {
		return regions{}, errors.New("a token of the project is good for one region: set OS_AUTH_URL, so that it is exchanged")
	}
	there := c.source
	there.Region, there.Endpoint = to.Region, to.Endpoint
	there.ProjectID, there.ProjectName = "", cmp.Or(to.Project, to.Region)
	if isProjectID(to.Project) {
		there.ProjectID, there.ProjectName = to.Project, ""
	}
	if there.AgencyName != "" {
		there.DelegatedProject = cmp.Or(to.Project, to.Region)
	}
	options = append(c.options[:len(c.options):len(c.options)], options...)
	if found.source, err = open(ctx, c.source, options); err != nil {
		return regions{}, err
	}
	if found.destination, err = open(ctx, there, options); err != nil {
		return regions{}, join(fmt.Errorf("%s: %w", to.Region, err), found.source.close(ctx))
	}
	return found, nil
}

// open signs in, so that the project is known by its id.
func open(ctx context.Context, settings checkpoints.Settings, options []drkit.Option) (region, error) {
	client, err := settings.NewClient(options...)
	if err != nil {
		return region{}, err
	}
	opened := region{Client: client, name: settings.Region, projectID: settings.ProjectID}
	session, err := client.Sessions.SignIn(ctx)
	if err != nil {
		return region{}, join(err, opened.close(ctx))
	}
	opened.projectID = cmp.Or(session.Project.ID, opened.projectID)
	return opened, nil
}

// isProjectID tells an id from a name, which begins with that of its region.
func isProjectID(text string) bool {
	const digits = 32
	for _, r := range text {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return len(text) == digits
}

func (r regions) close(ctx context.Context) error {
	return join(r.source.close(ctx), r.destination.close(ctx))
}

// close ends what the client has under way, also after an interrupt.
func (r region) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return r.Close(ctx)
}
