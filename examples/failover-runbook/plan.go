package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// plan is what the first run has settled. It is in the journal, and every later run keeps to it: a machine that
// has left the list is not forgotten, and one that has joined it is not moved unseen.
type plan struct {
	Site      string      `json:"site"`      // that has failed
	Appliance string      `json:"appliance"` // instance id
	Named     [][]string  `json:"named"`     // waves, as the command line had them
	Waves     [][]planned `json:"waves"`     // all machines
}

// planned is a machine of a plan. What its failover asks for hangs on this alone, and so never changes.
type planned struct {
	ID         string `json:"id"` // of the replication
	Name       string `json:"name"`
	Route      string `json:"route"`                // from where to where
	OnPremises bool   `json:"onPremises,omitempty"` // it goes to a site without organizations
}

// key names a step of the machine in the journal.
func (p planned) key(step string) string { return step + " " + p.ID }

// planKey is the place of the plan in the journal. Steps have keys with a space.
const planKey = "plan"

// readPlan returns the plan of a journal, and whether it has one.
func readPlan(steps []drkit.Step) (agreed plan, there bool, err error) {
	i := slices.IndexFunc(steps, func(s drkit.Step) bool { return s.Key == planKey })
	if i < 0 {
		return plan{}, false, nil
	}
	if err := json.Unmarshal(steps[i].Result, &agreed); err != nil {
		return plan{}, true, fmt.Errorf("the plan in the journal cannot be read: %w", err)
	}
	return agreed, true, nil
}

// save puts the plan into the journal, as a step that has ended.
func (p plan) save(ctx context.Context, journal drkit.Journal) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return journal.Save(ctx, drkit.Step{
		Version: 1, Key: planKey, State: drkit.StepSucceeded, Site: p.Site, Began: now, Ended: now, Result: text,
	})
}

// agree settles the plan that holds: that of the journal, or in the first run a new one. Changed is how the list
// differs from it.
func (r *runbook) agree(ctx context.Context) (changed changes, err error) {
	steps, err := r.journal.Steps(ctx)
	if err != nil {
		return changes{}, err
	}
	agreed, there, err := readPlan(steps)
	if err != nil {
		return changes{}, err
	}
	about, err := r.client.Diagnostics.About(ctx)
	if err != nil {
		return changes{}, err
	}
	if there {
		err = agreed.check(r.settings, about.InstanceID)
	} else if r.site == "" {
		err = errors.New("the journal is new: name the site that has failed with -site")
	}
	if err != nil {
		return changes{}, err
	}
	all, err := r.list(ctx, cmp.Or(agreed.Site, r.site))
	if err != nil {
		return changes{}, err
	}
	if r.plan = agreed; there {
		return agreed.compare(all), nil
	}
	if r.plan, err = r.newPlan(all); err != nil {
		return changes{}, err
	}
	r.plan.Appliance = about.InstanceID
	return changes{}, r.plan.save(ctx, r.journal)
}

// check refuses what does not go with the plan.
func (p plan) check(asked settings, appliance string) error {
	sameWave := func(a, b []string) bool { return slices.Equal(a, b) }
	switch {
	case p.Appliance != appliance:
		return fmt.Errorf("the journal is about appliance %s, and this is %s", p.Appliance, appliance)
	case asked.site != "" && asked.site != p.Site:
		return fmt.Errorf("the journal is about site %s, and not about %s", p.Site, asked.site)
	case asked.waves != nil && !slices.EqualFunc(asked.waves, p.Named, sameWave):
		return fmt.Errorf("the journal has other waves, %v: leave -wave out to go on with them", p.Named)
	}
	return nil
}

// newPlan puts all machines into waves. Nothing is guessed: a name that fits two replications is refused like
// one that fits none.
func (s settings) newPlan(all []vcav.VMReplication) (plan, error) {
	if len(all) == 0 {
		return plan{}, fmt.Errorf("nothing is replicated from %s", s.site)
	}
	agreed := plan{Site: s.site, Named: s.waves}
	var problems []string
	taken := map[string]bool{} // by id
	for _, names := range s.waves {
		var wave []planned
		for _, name := range names {
			switch found := find(all, name); {
			case len(found) == 0:
				problems = append(problems, fmt.Sprintf("there is no replication of %q from %s", name, s.site))
			case len(found) > 1:
				problems = append(problems, fmt.Sprintf("%q may be %s or %s: name it by its id", name, found[0].ID, found[1].ID))
			case taken[found[0].ID]:
				problems = append(problems, fmt.Sprintf("%q is named twice", found[0].VMName))
			default:
				taken[found[0].ID] = true
				wave = append(wave, newPlanned(found[0]))
			}
		}
		agreed.Waves = append(agreed.Waves, wave)
	}
	if len(problems) > 0 {
		return plan{}, errors.New(strings.Join(problems, "; "))
	}
	var rest []planned
	for _, replication := range all {
		if !taken[replication.ID] {
			rest = append(rest, newPlanned(replication))
		}
	}
	if len(rest) > 0 {
		agreed.Waves = append(agreed.Waves, rest)
	}
	return agreed, nil
}

func newPlanned(replication vcav.VMReplication) planned {
	from, to := replication.Source, replication.Destination
	return planned{
		ID: replication.ID, Name: replication.VMName, OnPremises: to.Org == "",
		Route: place(from.Org, from.Site) + " → " + place(to.Org, to.Site),
	}
}

func place(org, site string) string {
	if org == "" { // on premises
		return site
	}
	return org + "@" + site
}

func find(all []vcav.VMReplication, name string) []vcav.VMReplication {
	var found []vcav.VMReplication
	for _, replication := range all {
		if replication.ID == name || replication.VMName == name {
			found = append(found, replication)
		}
	}
	return found
}

// changes are what has come and gone since a plan was made.
type changes struct{ come, gone []planned }

func (p plan) compare(all []vcav.VMReplication) changes {
	var changed changes
	there, known := map[string]bool{}, map[string]bool{}
	for _, replication := range all {
		there[replication.ID] = true
	}
	for _, m := range slices.Concat(p.Waves...) {
		known[m.ID] = true
		if !there[m.ID] {
			changed.gone = append(changed.gone, m)
		}
	}
	for _, replication := range all {
		if !known[replication.ID] {
			changed.come = append(changed.come, newPlanned(replication))
		}
	}
	return changed
}

// mostWalks is how often the list is read before a plan is given up. Each walk begins anew by itself a few times.
const mostWalks = 5

// list returns all replications from a site. One that is missing would be a machine that nobody recovers, and so
// no filter of the appliance is relied on, and a list that moves under the walk is read again.
func (r *runbook) list(ctx context.Context, site string) ([]vcav.VMReplication, error) {
	query := vcav.VMReplicationQuery{Sort: []vcav.SortField{vcav.Asc("vmName")}}
	for walk := 1; ; walk++ {
		rows := r.client.VMReplications.List(ctx, query)
		all, err := drkit.Collect(drkit.Filter(rows, func(row vcav.VMReplication) bool { return row.Source.Site == site }))
		if err == nil || walk == mostWalks || !errors.Is(err, drkit.ErrListMoved) {
			return all, err
		}
		r.log.Printf("%v: reading it again", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
