package checkpointstest

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// biggestGB is the highest size of a vault.
const (
	smallestGB = 10
	biggestGB  = 10485760
	mostInside = 256 // resources in a vault
)

// findVault returns the vault of a call.
func (v *visit) findVault() (*vault, error) { return v.vaultNamed(v.argument(0)) }

// vaultNamed returns a vault of the project. An id that is none is a malformed request.
func (v *visit) vaultNamed(id string) (*vault, error) {
	found := v.region.vaults.byID[id]
	if found != nil && found.project == v.project {
		return found, nil
	}
	return nil, v.missing(id, CodeVaultNotFound, "The vault %s does not exist.")
}

// missing is the refusal for an id that nobody knows, or that is none.
func (v *visit) missing(id, code, format string) error {
	if !isID(id) || v.region.config.quirks.unknownMalformed {
		return malformed()
	}
	return refuse(code, format, id)
}

type vaultRequest struct {
	Vault struct {
		Name              *string        `json:"name"`
		Description       string         `json:"description"`
		Billing           *vaultBilling  `json:"billing"`
		Resources         []resourceBody `json:"resources"`
		BackupPolicyID    string         `json:"backup_policy_id"`
		Tags              []tagBody      `json:"tags"`
		AutoBind          *bool          `json:"auto_bind"`
		BindRules         *bindRulesBody `json:"bind_rules"`
		Locked            *bool          `json:"locked"`
		EnterpriseProject string         `json:"enterprise_project_id"`
		AutoExpand        *bool          `json:"auto_expand"`
		Threshold         *int           `json:"threshold"`
		SMNNotify         *bool          `json:"smn_notify"`
		Prefix            string         `json:"backup_name_prefix"`
		DemandBilling     bool           `json:"demand_billing"`
		Zone              string         `json:"availability_zone"`
	} `json:"vault"`
}

type vaultBilling struct {
	Size            *int   `json:"size"`
	ConsistentLevel string `json:"consistent_level"`
	ObjectType      string `json:"object_type"`
	ProtectType     string `json:"protect_type"`
	CloudType       string `json:"cloud_type"`
	ChargingMode    string `json:"charging_mode"`
	PeriodType      string `json:"period_type"`
	PeriodNum       int    `json:"period_num"`
}

func (r *region) createVault(v *visit) (any, error) {
	said, err := read[vaultRequest](v)
	if err != nil {
		return nil, err
	}
	made, err := r.newVault(v, said)
	if err != nil {
		return nil, err
	}
	prepaid := said.Vault.Billing.ChargingMode == "pre_paid"
	if prepaid {
		made.orderID = freshOrder()
	}
	r.vaults.put(made.id, made)
	r.deeds.vaultMade(made)
	if prepaid {
		return orderBody(made), nil
	}
	return map[string]any{"vault": r.createdVaultBody(made)}, nil
}

// newVault checks a request and makes the vault, which nobody knows yet.
func (r *region) newVault(v *visit, said vaultRequest) (*vault, error) {
	wanted := said.Vault
	made := &vault{
		name: *wanted.Name, description: wanted.Description, project: v.project, cloudType: or(wanted.Billing.CloudType, "public"),
		objectType: wanted.Billing.ObjectType, protectType: wanted.Billing.ProtectType, consistentLevel: wanted.Billing.ConsistentLevel,
		chargingMode: or(wanted.Billing.ChargingMode, "post_paid"), status: VaultAvailable, sizeGB: *wanted.Billing.Size,
		userID: v.userID, created: r.now(), smnNotify: true, threshold: 80, enterpriseProject: or(wanted.EnterpriseProject, "0"),
		zone: wanted.Zone, prefix: wanted.Prefix, demandBilling: wanted.DemandBilling, tags: wanted.Tags,
	}
	if err := r.checkNewVault(v, said, made); err != nil {
		return nil, err
	}
	if err := changeVault(made, said); err != nil {
		return nil, err
	}
	if err := r.associate(made, wanted.Resources, false); err != nil {
		return nil, err
	}
	if wanted.BackupPolicyID != "" {
		applied := r.policies.byID[wanted.BackupPolicyID]
		if applied == nil || applied.project != v.project {
			return nil, refuse(CodePolicyNotFound, "The policy %s does not exist.", wanted.BackupPolicyID)
		}
		made.policies = append(made.policies, &application{policy: applied})
	}
	made.id, _ = r.cloud.claim("") // a fresh one is never taken
	return made, nil
}

func (r *region) checkNewVault(v *visit, said vaultRequest, made *vault) error {
	bill := said.Vault.Billing
	own := r.vaults.matching(func(o *vault) bool { return o.project == v.project })
	switch {
	case len(own) >= r.config.vaultQuota:
		return refuse(CodeTooManyVaults, "There are %d vaults already.", len(own))
	case providers[made.objectType] == "":
		return refuse(CodeInvalidParameter, "The object_type %q is not simulated.", made.objectType)
	case made.sizeGB < smallestGB || made.sizeGB > biggestGB:
		return refuse(CodeInvalidCapacity, "The size %d is not within %d and %d.", made.sizeGB, smallestGB, biggestGB)
	case made.protectType != ProtectBackup && made.protectType != ProtectReplication:
		return refuse(CodeInvalidParameter, "The protect_type %q is invalid.", made.protectType)
	case made.chargingMode == "pre_paid" && (!r.hwc() || bill.PeriodType == "" || bill.PeriodNum == 0):
		return refuse(CodeInvalidParameter, "The charging mode pre_paid needs period_type and period_num.")
	case said.Vault.Tags != nil && len(said.Vault.Tags) == 0:
		return refuse(CodeInvalidParameter, "The tags must not be an empty list.")
	case utf8.RuneCountInString(said.Vault.Description) > 64:
		return refuse(CodeInvalidParameter, "The description is longer than 64 characters.")
	case made.protectType == ProtectReplication && len(said.Vault.Resources) > 0:
		return refuse(CodeResourceTypeOfVault, "A replication vault has no resources.")
	}
	return r.checkTags(said.Vault.Tags, nil)
}

// changeVault puts what creations and updates have in common into a vault.
func changeVault(v *vault, said vaultRequest) error {
	wanted := said.Vault
	switch {
	case wanted.Name != nil && (*wanted.Name == "" || utf8.RuneCountInString(*wanted.Name) > 64):
		return refuse(CodeInvalidParameter, "The name is not within 1 and 64 characters.")
	case wanted.Threshold != nil && (*wanted.Threshold < 1 || *wanted.Threshold > 100):
		return refuse(CodeInvalidParameter, "The threshold is not within 1 and 100.")
	case wanted.Locked != nil && v.locked && !*wanted.Locked:
		return refuse(CodeInvalidParameter, "A locked vault cannot be unlocked.")
	case wanted.BindRules != nil && len(wanted.BindRules.Tags) > 5:
		return refuse(CodeInvalidParameter, "There are more than 5 bind_rules.")
	}
	if wanted.Name != nil {
		v.name = *wanted.Name
	}
	for _, flag := range []struct {
		said *bool
		to   *bool
	}{{wanted.AutoBind, &v.autoBind}, {wanted.Locked, &v.locked}, {wanted.AutoExpand, &v.autoExpand}, {wanted.SMNNotify, &v.smnNotify}} {
		if flag.said != nil {
			*flag.to = *flag.said
		}
	}
	if wanted.Threshold != nil {
		v.threshold = *wanted.Threshold
	}
	if wanted.BindRules != nil {
		v.bindRules = wanted.BindRules.Tags
	}
	return nil
}

func (r *region) getVault(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	return map[string]any{"vault": r.vaultBody(found)}, nil
}

func (r *region) updateVault(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	said, err := read[vaultRequest](v)
	if err != nil {
		return nil, err
	}
	if found.status == VaultDeleting || found.status == VaultFrozen {
		return nil, refuse(CodeCannotUpdate, "The vault is %s.", found.status)
	}
	size := found.sizeGB
	if bill := said.Vault.Billing; bill != nil && bill.Size != nil {
		size = *bill.Size
	}
	if size < 1 || size > biggestGB || size*1024 < r.usedMB(found) {
		return nil, refuse(CodeInvalidCapacity, "The size %d is invalid.", size)
	}
	if err := changeVault(found, said); err != nil {
		return nil, err
	}
	found.sizeGB = size
	if bill := said.Vault.Billing; bill != nil && bill.ConsistentLevel != "" {
		found.consistentLevel = bill.ConsistentLevel
	}
	return map[string]any{"vault": r.vaultBody(found)}, nil
}

// vaultFilters are the parameters of the vault list, besides those of paging.
func (r *region) vaultFilters(query url.Values) []func(*vault) bool {
	text := func(name string, of func(*vault) string) func(*vault) bool {
		wanted := query.Get(name)
		return func(v *vault) bool { return wanted == "" || of(v) == wanted }
	}
	ids, resources, policyID := query["id"], query.Get("resource_ids"), query.Get("policy_id")
	return []func(*vault) bool{
		text("cloud_type", func(v *vault) string { return v.cloudType }),
		text("name", func(v *vault) string { return v.name }),
		text("object_type", func(v *vault) string { return v.objectType }),
		text("protect_type", func(v *vault) string { return v.protectType }),
		text("status", func(v *vault) string { return v.status }),
		text("availability_zone", func(v *vault) string { return v.zone }),
		func(v *vault) bool {
			wanted := query.Get("enterprise_project_id")
			return wanted == "" || wanted == "all_granted_eps" || wanted == v.enterpriseProject
		},
		func(v *vault) bool { return len(ids) == 0 || slices.Contains(ids, v.id) },
		func(v *vault) bool {
			return policyID == "" || slices.ContainsFunc(v.policies, func(a *application) bool { return a.policy.id == policyID })
		},
		func(v *vault) bool {
			return resources == "" || slices.ContainsFunc(strings.Split(resources, ","), func(id string) bool { return v.member(id) != nil })
		},
	}
}

func (r *region) listVaults(v *visit) (any, error) {
	return r.vaultPage(v.call.Query, v.project)
}

func (r *region) vaultPage(query url.Values, in *project) (any, error) {
	p, err := r.pageOf(query)
	if err != nil {
		return nil, err
	}
	filters := r.vaultFilters(query)
	found := r.vaults.matching(func(v *vault) bool {
		return v.project == in && !slices.ContainsFunc(filters, func(passes func(*vault) bool) bool { return !passes(v) })
	})
	slices.SortStableFunc(found, func(a, b *vault) int { return b.created.Compare(a.created) })
	bodies := []vaultBody{}
	for _, one := range cut(found, p) {
		bodies = append(bodies, r.vaultBody(one))
	}
	return r.pageBody("vaults", bodies, len(found), p), nil
}

// deleteVault lets a vault be gone with all its backups, once its task has ended.
func (r *region) deleteVault(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	locked := func(b *backup) bool { return b.auto && (b.expired.IsZero() || b.expired.After(r.now())) }
	switch {
	case found.replicating > 0:
		return nil, refuse(CodeBeingReplicated, "The vault is being replicated.")
	case found.status == VaultDeleting || found.busy():
		return nil, refuse(CodeCannotDelete, "The vault has unfinished tasks.")
	case found.locked && slices.ContainsFunc(r.contents(found), locked):
		return nil, refuse(CodeLockedVault, "The vault is locked and has automatic backups.")
	}
	before := found.status
	found.status = VaultDeleting
	contents := r.contents(found)
	r.begin(v, &task{
		kind: kindVaultDelete, vault: found, resource: taskResource{}, subject: found.id,
		total: len(contents),
		effect: func(time.Time) *refusal {
			r.removeVault(found)
			return nil
		},
		failed: func() { found.status = before },
	})
	return nil, nil
}

// removeVault lets a vault and what is in it be gone.
func (r *region) removeVault(gone *vault) {
	for _, b := range r.contents(gone) {
		r.removeBackup(b)
	}
	gone.deleted = true
	r.vaults.drop(gone.id)
	r.deeds.vault(gone).Deleted = true
}

func (r *region) summary(v *visit) (any, error) {
	size, used := 0, 0
	for _, one := range r.vaults.all {
		if one.project == v.project {
			size += one.sizeGB
			used += r.usedMB(one)
		}
	}
	return map[string]any{"size": size, "used_size": used}, nil
}

func (r *region) updateVaults(v *visit) (any, error) {
	said, err := read[vaultRequest](v)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, one := range r.vaults.all {
		if one.project != v.project {
			continue
		}
		if err := changeVault(one, said); err != nil {
			return nil, err
		}
		ids = append(ids, one.id)
	}
	return map[string]any{"updated_vaults_id": ids}, nil
}

// listExternalVaults shows the vaults of a project in another region.
func (r *region) listExternalVaults(v *visit) (any, error) {
	query := v.call.Query
	other := r.cloud.region(query.Get("region_id"))
	if other == nil || other == r {
		return nil, refuse(CodeInvalidParameter, "The region_id %q is not that of another region.", query.Get("region_id"))
	}
	in := other.project(query.Get("external_project_id"))
	if in == nil || in.domain != v.domain {
		return nil, refuse(CodeInvalidParameter, "There is no project %q in %s.", query.Get("external_project_id"), other.name)
	}
	wanted := url.Values{}
	for _, name := range []string{"limit", "offset", "protect_type", "object_type", "cloud_type"} {
		if query.Has(name) {
			wanted.Set(name, query.Get(name))
		}
	}
	if spelled := query.Get("objcet_type"); spelled != "" {
		wanted.Set("object_type", spelled)
	}
	if id := query.Get("vault_id"); id != "" {
		wanted = url.Values{"id": {id}}
	}
	return other.vaultPage(wanted, in)
}

var resourceName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
