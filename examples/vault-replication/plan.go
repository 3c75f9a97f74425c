package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// plan is what the first run has settled. It is in the journal, and every later run keeps to it: what a replication
// asks for hangs on this alone, and so never changes.
type plan struct {
	Project       string    `json:"project"`       // of the vaults, by id
	Region        string    `json:"region"`        // of the vaults; empty if nobody has said it
	To            place     `json:"to"`            // where the copies go
	ToProject     string    `json:"toProject"`     // likewise, by id
	Named         []named   `json:"named"`         // vaults, as the command line had them
	ByDestination string    `json:"byDestination"` // likewise: the destination of all others
	Vaults        []planned `json:"vaults"`
}

// planned is a vault of a plan.
type planned struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Destination string `json:"destination"`     // id
	Into        string `json:"destinationName"` // of that vault

	// Until is when the latest backup was made that the plan knows. It is the service's own time: no other clock plays
	// a part.
	Until checkpoints.Time `json:"until"`
}

// key names the only step of the vault in the journal.
func (p planned) key() string { return "replicate " + p.ID }

// planKey is the place of the plan in the journal. Steps have keys with a space.
const planKey = "plan"

// loadPlan returns the plan of a journal, and whether it has one.
func loadPlan(ctx context.Context, journal drkit.Journal) (agreed plan, there bool, err error) {
	step, err := journal.Load(ctx, planKey)
	if errors.Is(err, drkit.ErrNotFound) {
		return plan{}, false, nil
	}
	if err != nil {
		return plan{}, false, err
	}
	agreed, err = readPlan(step)
	return agreed, true, err
}

func readPlan(step drkit.Step) (agreed plan, err error) {
	if err := json.Unmarshal(step.Result, &agreed); err != nil {
		return plan{}, fmt.Errorf("the plan in the journal cannot be read: %w", err)
	}
	return agreed, nil
}

// save puts the plan into the journal, as a step that has ended.
func (p plan) save(ctx context.Context, journal drkit.Journal) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return journal.Save(ctx, drkit.Step{Version: 1, Key: planKey, State: drkit.StepSucceeded, Began: now, Ended: now, Result: text})
}

// to fills in what the command line leaves out.
func (p plan) to(asked place) place {
	return place{
		Region: cmp.Or(asked.Region, p.To.Region), Project: cmp.Or(asked.Project, p.To.Project),
		Endpoint: cmp.Or(asked.Endpoint, p.To.Endpoint),
	}
}

// agree settles the plan that holds: that of the journal, or in the first run a new one.
func (r *runbook) agree(ctx context.Context) error {
	agreed, there, err := loadPlan(ctx, r.journal)
	switch {
	case err != nil:
		return err
	case there:
		r.plan = agreed
		return agreed.check(r.settings, r.regions)
	}
	checked, err := r.look(ctx)
	if err != nil {
		return err
	}
	if refused := checked.refused(); len(refused) > 0 {
		return fmt.Errorf("nothing was replicated: %s", strings.Join(refused, "; "))
	}
	r.plan = r.newPlan(checked)
	return r.plan.save(ctx, r.journal)
}

func (r *runbook) newPlan(checked candidates) plan {
	agreed := plan{
		Project: r.regions.source.projectID, Region: r.regions.source.name, To: r.to,
		ToProject: r.regions.destination.projectID, Named: r.settings.vaults, ByDestination: r.destination,
	}
	for _, c := range checked {
		next := planned{ID: c.ID, Name: c.Name, Destination: c.into.ID, Into: c.into.Name}
		for _, backup := range c.backups {
			if backup.CreatedAt.After(next.Until.Time) {
				next.Until = backup.CreatedAt
			}
		}
		agreed.Vaults = append(agreed.Vaults, next)
	}
	return agreed
}

// check refuses what does not go with the plan.
func (p plan) check(asked settings, at regions) error {
	switch {
	case p.Project != at.source.projectID:
		return fmt.Errorf("the journal is about the vaults of project %s, and this is %s", p.Project, at.source.projectID)
	case p.To.Region != asked.to.Region || p.ToProject != at.destination.projectID:
		return fmt.Errorf("the journal is about copies in project %s of %s, and not in %s of %s",
			p.ToProject, p.To.Region, at.destination.projectID, asked.to.Region)
	case asked.vaults != nil && !slices.Equal(asked.vaults, p.Named), asked.destination != "" && asked.destination != p.ByDestination:
		return errors.New("the journal has other vaults or destinations: leave -vault and -destination out to go on with them")
	}
	return nil
}

// candidate is a vault that may be replicated, and why it must not be.
type candidate struct {
	checkpoints.Vault

	backups []checkpoints.Backup
	into    checkpoints.Vault // where its copies go
	refusal string            // empty: nothing speaks against it
}

type candidates []candidate

// refused says of all that must not be replicated why.
func (c candidates) refused() []string {
	var reasons []string
	for _, one := range c {
		if one.refusal != "" {
			reasons = append(reasons, fmt.Sprintf("vault %s: %s", one.Name, one.refusal))
		}
	}
	return reasons
}

// look reads what there is in both regions, and chooses vaults and destinations. It changes nothing.
func (r *runbook) look(ctx context.Context) (candidates, error) {
	here, err := list(ctx, r.regions.source)
	if err != nil {
		return nil, err
	}
	there, err := list(ctx, r.regions.destination)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.to.Region, err)
	}
	chosen, err := r.choose(here, there)
	if err != nil {
		return nil, err
	}
	outcomes, err := drkit.ForEach(ctx, chosen, r.parallel, func(ctx context.Context, c candidate) ([]checkpoints.Backup, error) {
		return backupsOf(ctx, r.regions.source, c.ID)
	}, drkit.StopOnError())
	for i, outcome := range outcomes {
		chosen[i].backups = outcome.Result
	}
	return chosen, err
}

// contents says in words how many backups a vault has, and which of them the service will skip.
func (c candidate) contents() string {
	odd := 0
	for _, backup := range c.backups {
		if backup.Status != checkpoints.BackupStatusAvailable || !backup.ExtendInfo.ContainSystemDisk {
			odd++
		}
	}
	if odd == 0 {
		return strconv.Itoa(len(c.backups))
	}
	return fmt.Sprintf("%d, of which %d cannot be copied", len(c.backups), odd)
}

// list returns all vaults of a region. One that is missing would be a vault that nobody replicates, and so no filter
// of the service is relied on.
func list(ctx context.Context, in region) ([]checkpoints.Vault, error) {
	return drkit.Collect(in.Vaults.List(ctx, checkpoints.VaultQuery{}))
}

// choose picks the vaults that the settings name, or all with backups of servers. Nothing is guessed: a name that
// fits two vaults is refused like one that fits none.
func (s settings) choose(here, there []checkpoints.Vault) (candidates, error) {
	wanted := s.vaults
	if wanted == nil {
		for _, vault := range here {
			if vault.Billing.ProtectType == checkpoints.ProtectTypeBackup && vault.Billing.ObjectType == checkpoints.ObjectTypeServer {
				wanted = append(wanted, named{Vault: vault.ID})
			}
		}
	}
	if len(wanted) == 0 {
		return nil, errors.New("there is no vault with backups of servers")
	}
	var chosen candidates
	var problems []string
	for _, one := range wanted {
		vault, err := find(here, one.Vault)
		if err == nil && slices.ContainsFunc(chosen, func(c candidate) bool { return c.ID == vault.ID }) {
			err = fmt.Errorf("vault %s is named twice", vault.Name)
		}
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		c := candidate{Vault: vault, refusal: cannotLeave(vault)}
		if c.refusal == "" {
			c.into, c.refusal = destination(there, vault, cmp.Or(one.Destination, s.destination))
		}
		chosen = append(chosen, c)
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	return chosen, nil
}

// find returns the vault of a name or id.
func find(all []checkpoints.Vault, name string) (checkpoints.Vault, error) {
	var found []checkpoints.Vault
	for _, vault := range all {
		if vault.ID == name || vault.Name == name {
			found = append(found, vault)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return checkpoints.Vault{}, fmt.Errorf("there is no vault %q", name)
	default:
		return checkpoints.Vault{}, fmt.Errorf("%q may be %s or %s: name it by its id", name, found[0].ID, found[1].ID)
	}
}

// cannotLeave says why the backups of a vault cannot be replicated, or nothing.
func cannotLeave(vault checkpoints.Vault) string {
	switch billing := vault.Billing; {
	case billing.ProtectType == checkpoints.ProtectTypeReplication:
		return "it holds copies, and a copy cannot be replicated"
	case billing.ProtectType != checkpoints.ProtectTypeBackup, billing.ObjectType != checkpoints.ObjectTypeServer:
		return fmt.Sprintf("it is for %s of %s, and only backups of servers can be replicated", billing.ProtectType, billing.ObjectType)
	default:
		return unusable(vault)
	}
}

// unusable says in which state a vault is where nothing can be done with it. A state that nobody knows is left to
// the service.
func unusable(vault checkpoints.Vault) string {
	switch status := vault.Billing.Status; status {
	case checkpoints.VaultStatusDeleting, checkpoints.VaultStatusFrozen, checkpoints.VaultStatusError:
		return fmt.Sprintf("it is in the state %q", status)
	default:
		return ""
	}
}

// destination returns the vault of a name or id that takes the copies of another one; without a name the only one
// that can.
func destination(there []checkpoints.Vault, from checkpoints.Vault, name string) (into checkpoints.Vault, refusal string) {
	if name != "" {
		into, err := find(there, name)
		if err != nil {
			return into, "destination: " + err.Error()
		}
		if why := cannotTake(into, from); why != "" {
			return into, fmt.Sprintf("destination %s: %s", into.Name, why)
		}
		return into, ""
	}
	var able []checkpoints.Vault
	var names []string
	for _, vault := range there {
		if cannotTake(vault, from) == "" {
			able, names = append(able, vault), append(names, vault.Name)
		}
	}
	switch len(able) {
	case 1:
		return able[0], ""
	case 0:
		return into, "no vault there can take its copies"
	default:
		return into, fmt.Sprintf("its copies could go to %s: say which with -destination, or -vault %s=NAME", strings.Join(names, ", "), from.Name)
	}
}

// cannotTake says why a vault cannot take the copies of another one, or nothing.
func cannotTake(vault, from checkpoints.Vault) string {
	const megabytes = 1024 // in one GB
	switch billing := vault.Billing; {
	case billing.ProtectType != checkpoints.ProtectTypeReplication:
		return "it is not for copies"
	case billing.ObjectType != from.Billing.ObjectType:
		return fmt.Sprintf("it is for copies of %s", billing.ObjectType)
	case billing.Size > 0 && billing.Used >= int64(billing.Size)*megabytes && !vault.AutoExpand:
		return "it is full"
	default:
		return unusable(vault)
	}
}
