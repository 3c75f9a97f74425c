package vcavtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// startBody is the request that starts a replication, in all six forms; the contract has been checked
// before.
type startBody struct {
	change
	Source          sourceChoice      `json:"source"`
	Destination     destinationChoice `json:"destination"`
	Description     string            `json:"description"`
	InitialSyncTime int64             `json:"initialSyncTime"`
	IsMigration     bool              `json:"isMigration"`
}

type sourceChoice struct {
	Type          string `json:"type"` // vm or vcVm
	Site          string `json:"site"`
	VCUUID        string `json:"vcUuid"`
	VMID          string `json:"vmId"`
	ExcludedDisks []int  `json:"excludedDisks"`
}

type destinationChoice struct {
	Type           string `json:"type"` // vcloud, vm, vc or vcVm
	Site           string `json:"site"`
	VDC            string `json:"vdc"`
	StorageProfile string `json:"storageProfile"`
	SeedVMID       string `json:"seedVmId"`
	SeedVM         struct {
		VCID string `json:"vcId"`
		MoID string `json:"moId"`
	} `json:"seedVm"`
}

// startReplication begins to replicate a machine. The replication is there once the task has succeeded; its
// id is known from the beginning. The guide does not say what a start for a machine that has a replication
// already comes to: it is refused.
func (a *appliance) startReplication(call *simkit.Call, v *visit) (any, error) {
	var body startBody
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return nil, fmt.Errorf("the replication does not decode: %w", err)
	}
	source, m, err := a.chooseSource(v, body.Source)
	if err != nil {
		return nil, err
	}
	destination, seed, err := a.chooseDestination(v, body.Destination)
	if err != nil {
		return nil, err
	}
	if err := fitsTogether(v, source, destination); err != nil {
		return nil, err
	}
	if m.source != nil {
		return nil, refuse(http.StatusConflict, CodeAlreadyProtected,
			"VM '%s' is the source of replication '%s'.", m.id, m.source.id)
	}
	r := &replication{
		vmName: m.name, owner: v.session.orgAt(v.site) + "@" + v.site.name, source: source, destination: destination,
		migration: body.IsMigration, description: body.Description, initialSync: body.InitialSyncTime,
		storageProfile: or(body.Destination.StorageProfile, "*"), excluded: body.Source.ExcludedDisks,
		startup: usualStartup(), recovery: RecoveryNotStarted, syncsItself: true,
	}
	if err := a.configure(r, body.change); err != nil {
		return nil, err
	}
	r.id = ReplicationID(m.name)
	if a.used[r.id] {
		r.id = "C4-" + freshID()
	}
	a.used[r.id], a.starting[r] = true, true
	a.attach(r, m)
	call.Resource = r.id
	return a.begin(call, v, &task{
		kind: typeStart, resourceType: resourceVMReplication, resourceID: r.id, // without a name, as in the samples
		replication: r, effect: func(at time.Time) *refusal { return a.started(r, seed, at) },
		failed: func() { a.abandon(r) }, resultType: resultVMReplication,
	})
}

// chooseSource finds the machine that a request wants to be replicated.
func (a *appliance) chooseSource(v *visit, chosen sourceChoice) (end, *machine, error) {
	s, err := a.chooseSite(v, chosen.Site, chosen.Type == "vcVm", chosen.Type)
	if err != nil {
		return end{}, nil, err
	}
	if s.onPremises && chosen.VCUUID != s.vim.VIMServerInstanceUUID {
		return end{}, nil, vCenterNotFound(s, chosen.VCUUID)
	}
	m, err := v.machineAt(s, chosen.VMID)
	if err != nil {
		return end{}, nil, err
	}
	return end{site: s, org: m.org}, m, checkExcluded(m, chosen.ExcludedDisks)
}

// chooseDestination finds the place that a request wants a machine to be replicated to, and the seed there,
// which is nil where none is named.
func (a *appliance) chooseDestination(v *visit, chosen destinationChoice) (end, *machine, error) {
	onPremises := chosen.Type == "vc" || chosen.Type == "vcVm"
	s, err := a.chooseSite(v, chosen.Site, onPremises, chosen.Type)
	if err != nil {
		return end{}, nil, err
	}
	place, seedID := end{site: s}, chosen.SeedVMID
	if onPremises {
		seedID = chosen.SeedVM.MoID
		if seedID != "" && chosen.SeedVM.VCID != s.vim.VIMServerInstanceUUID {
			return end{}, nil, vCenterNotFound(s, chosen.SeedVM.VCID)
		}
	} else if place.org = s.orgOfVDC(chosen.VDC); place.org == "" || !v.touches(s, place.org) {
		return end{}, nil, refuse(http.StatusNotFound, CodeVDCNotFound,
			"Virtual data center with id '%s' was not found at site '%s'.", chosen.VDC, s.name)
	}
	if chosen.Type == "vcloud" || chosen.Type == "vc" {
		return place, nil, nil
	}
	seed, err := v.machineAt(s, seedID)
	if err != nil {
		return end{}, nil, err
	}
	if failure := fitForSeed(s, seed); failure != nil {
		return end{}, nil, failure
	}
	return place, seed, nil
}

// orgOfVDC returns the organization of a virtual data center, or the empty one.
func (s *site) orgOfVDC(id string) string {
	for _, org := range s.orgs {
		if s.vdcs[org].id == id {
			return org
		}
	}
	return ""
}

// chooseSite finds the site of one end. Remote cloud sites can only be worked on by who is authenticated
// there.
func (a *appliance) chooseSite(v *visit, name string, onPremises bool, kind string) (*site, error) {
	s := a.site(name)
	switch {
	case s == nil:
		return nil, siteNotFound(name)
	case s.onPremises != onPremises:
		return nil, refuse(http.StatusBadRequest, CodeBadUserInput, "Site '%s' does not go with the type '%s'.", name, kind)
	case !onPremises && v.session.orgAt(s) == "":
		return nil, notAuthenticatedAt(s)
	}
	return s, nil
}

// fitsTogether refuses what is no way to replicate.
func fitsTogether(v *visit, source, destination end) error {
	switch {
	case source.site == destination.site || (source.site.onPremises && destination.site.onPremises):
		return refuse(http.StatusBadRequest, CodeBadUserInput,
			"Machines are not replicated from site '%s' to site '%s'.", source.site.name, destination.site.name)
	case v.site != source.site && v.site != destination.site:
		return refuse(http.StatusBadRequest, CodeBadUserInput,
			"Site '%s' is neither the source nor the destination.", v.site.name)
	}
	return nil
}

func vCenterNotFound(s *site, id string) error {
	return refuse(http.StatusNotFound, CodeVCenterNotFound, "vCenter Server '%s' was not found at site '%s'.", id, s.name)
}

func machineGone(s *site, id string) *refusal {
	return refuse(http.StatusNotFound, CodeMachineNotFound, "VM with id '%s' was not found at site '%s'.", id, s.name)
}

// configure gives a new replication the settings that it was asked for, within the policies.
func (a *appliance) configure(r *replication, asked change) error {
	usual := SLAProfile{Retention: []RetentionRule{}}.settings()
	var err error
	if r.settings, r.profile, err = a.apply(asked, usual, nil); err != nil {
		return err
	}
	if err := a.allowDirection(r, r.source, r.destination); err != nil {
		return err
	}
	// Whoever names no profile chooses the settings, if only by leaving them out.
	if err := allowCustom(r.source, r.destination, r.profile == nil); err != nil {
		return err
	}
	return allowSettings(r.destination, r.settings, nil)
}

// fitForSeed fails where a machine cannot be the seed: it is taken apart for its disks.
func fitForSeed(s *site, seed *machine) *refusal {
	switch {
	case s.machines[seed.id] != seed:
		return machineGone(s, seed.id)
	case seed.poweredOn:
		return refuse(http.StatusConflict, CodeSeedPoweredOn, "VM '%s' cannot be a seed while it is powered on.", seed.id)
	case seed.source != nil:
		return refuse(http.StatusConflict, CodeAlreadyProtected,
			"VM '%s' cannot be a seed: it is the source of replication '%s'.", seed.id, seed.source.id)
	}
	return nil
}

// started is the end of a start.
func (a *appliance) started(r *replication, seed *machine, at time.Time) *refusal {
	for _, s := range []*site{r.source.site, r.destination.site} {
		if s.dead {
			return unreachable(s)
		}
	}
	if seed != nil {
		if failure := fitForSeed(r.destination.site, seed); failure != nil {
			return failure
		}
		if !sameDisks(seed.disks, r.machine.disks) {
			return refuse(http.StatusConflict, CodeSeedDisksMismatch,
				"The disks %d of the seed do not match the disks %d of VM '%s'.", seed.disks, r.machine.disks, r.machine.id)
		}
		r.destination.site.removeMachine(seed)
	}
	delete(a.starting, r)
	r.since = at
	a.add(r)
	a.syncAtFirst(r, at)
	return nil
}

// abandon undoes what a start has reserved.
func (a *appliance) abandon(r *replication) {
	delete(a.starting, r)
	if r.machine.source == r {
		r.machine.source = nil
	}
}

func sameDisks(x, y []int) bool {
	set := func(keys []int) map[int]bool {
		found := map[int]bool{}
		for _, key := range keys {
			found[key] = true
		}
		return found
	}
	return maps.Equal(set(x), set(y)) && len(x) == len(y)
}

// syncAtFirst begins the initial synchronization of a replication that was started here and has never
// synced, now or when it was asked for, unless its machine is off or it is paused. It takes as long as a task
// runs. Others are as [Protect] or a reverse has left them until they are told to sync.
func (a *appliance) syncAtFirst(r *replication, now time.Time) {
	if r.firstSync != nil || len(r.instances) > 0 || r.paused || !r.machine.poweredOn || !r.syncsItself {
		return
	}
	begin := now
	if wanted := time.UnixMilli(r.initialSync); wanted.After(now) {
		begin = wanted
	}
	planned := &span{begin: begin, end: begin.Add(a.config.running)}
	r.firstSync = planned
	a.agenda.Add(planned.end, func(at time.Time) {
		if r.firstSync != planned { // something else has come first
			return
		}
		r.firstSync, a.sorted = nil, nil
		if a.byID[r.id] == r && r.machine.poweredOn && !r.paused && !r.source.site.dead {
			r.addInstance("replica-"+freshID(), at)
			r.lastUpdated = at
		}
	})
}

// stop ends a replication and forgets its instances. The machines at both ends stay.
func (a *appliance) stop(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	if err := all(r, idle, notTested); err != nil {
		return nil, err
	}
	t := a.taskOn(r, typeStop, func(time.Time) *refusal {
		a.remove(r)
		return nil
	})
	t.resultType = ""
	return a.begin(call, v, t)
}

// pause keeps a replication from syncing. One that is paused stays so, and the task succeeds all the same;
// it may also be repeated while another pause is at work.
func (a *appliance) pause(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	if r.active == nil || r.active.kind != typePause {
		if err := idle(r); err != nil {
			return nil, err
		}
	}
	if err := notRecovered(r); err != nil {
		return nil, err
	}
	return a.start(call, v, r, typePause, func(time.Time) *refusal {
		r.paused, r.firstSync = true, nil
		return nil
	})
}

// resume lets a paused replication sync again. The guide does not say what it does to one that is not
// paused: it is refused.
func (a *appliance) resume(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	if err := all(r, idle, notRecovered); err != nil {
		return nil, err
	}
	if !r.paused {
		return nil, refuse(http.StatusConflict, CodeReplicationNotPaused, "Replication '%s' is not paused.", r.id)
	}
	return a.start(call, v, r, typeResume, func(at time.Time) *refusal {
		r.paused = false
		a.syncAtFirst(r, at)
		return nil
	})
}
