package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
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

// regions signs in at both ends. Where nothing is under way it asks the service first whether there is a way to the
// other one.
func (c cloud) regions(ctx context.Context, to place, underWay bool, options []drkit.Option) (found regions, err error) {
	if to.Region == "" {
		return regions{}, errors.New("name the region that the copies go to with -to")
	}
	if c.source.AuthURL == "" && !c.source.Token.IsZero() {
		return regions{}, errors.New("a token of the project is good for one region: set OS_AUTH_URL, so that it is exchanged")
	}
	options = append(c.options[:len(c.options):len(c.options)], options...)
	if found.source, err = open(ctx, c.source, options); err != nil {
		return regions{}, err
	}
	if !underWay {
		err = found.source.reaches(ctx, to.Region)
	}
	if err == nil {
		if found.destination, err = open(ctx, elsewhere(c.source, to), options); err != nil {
			err = fmt.Errorf("%s: %w", to.Region, err)
		}
	}
	if err != nil {
		return regions{}, join(err, found.source.close(ctx))
	}
	return found, nil
}

// elsewhere are the settings of the other end, which is like this one but for its region and its project.
func elsewhere(here checkpoints.Settings, to place) checkpoints.Settings {
	there, project := here, cmp.Or(to.Project, to.Region)
	there.Region, there.Endpoint = to.Region, to.Endpoint
	switch {
	case here.AgencyName != "": // the project of the user is only where the way to the other account begins
		there.DelegatedProject = project
	case isProjectID(project):
		there.ProjectID, there.ProjectName = project, ""
	default:
		there.ProjectID, there.ProjectName = "", project
	}
	return there
}

// reaches asks the service whether backups can be copied from here to another region.
func (r region) reaches(ctx context.Context, other string) error {
	ways, err := r.Capabilities.Replication(ctx)
	if err != nil {
		return err
	}
	var known []string
	for _, way := range ways {
		if r.name == "" || r.name == way.Name {
			known = append(known, way.ReplicationDestinations...)
		}
	}
	switch {
	case slices.Contains(known, other):
		return nil
	case len(known) == 0:
		return errors.New("from here there is no region that can be replicated to")
	default:
		return fmt.Errorf("%s cannot be replicated to; there is: %s", other, strings.Join(known, ", "))
	}
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
