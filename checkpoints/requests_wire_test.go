package checkpoints_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
)

// What cannot be right is refused before anything is sent.
func TestRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	s := newService(t)
	c := s.client()
	ctx := t.Context()
	errorOf := func(_ any, err error) error { return err }
	backup := func(change func(*checkpoints.CheckpointParam)) error {
		b := wholeBackup()
		parameters := b.Parameters.Or(checkpoints.CheckpointParam{})
		change(&parameters)
		b.Parameters = drkit.Some(parameters)
		return errorOf(c.Checkpoints.Create(ctx, b))
	}
	copied := func(change func(*checkpoints.CheckpointReplicateParam)) error {
		p := checkpoints.CheckpointReplicateParam{VaultID: "v", DestinationVaultID: "d", DestinationProjectID: "p", DestinationRegion: "r"}
		change(&p)
		return errorOf(c.Checkpoints.Replicate(ctx, p))
	}
	restore := func(r checkpoints.BackupRestore) error { return errorOf(c.Backups.Restore(ctx, "b", r)) }
	vault := func(change func(*checkpoints.VaultCreate)) error {
		v := given[checkpoints.VaultCreate](t, "vaults_create.empty.request", "vault")
		change(&v)
		return errorOf(c.Vaults.Create(ctx, v))
	}
	prepaid := func(change func(*checkpoints.VaultCreate)) error {
		v := given[checkpoints.VaultCreate](t, "vaults_create.prepaid.request", "vault")
		change(&v)
		return errorOf(c.Vaults.CreatePrepaid(ctx, v))
	}
	policy := func(change func(*checkpoints.PolicyCreate)) error {
		p := given[checkpoints.PolicyCreate](t, "policies_create.request", "policy")
		change(&p)
		return errorOf(c.Policies.Create(ctx, p))
	}
	kept := func(definition checkpoints.OperationDefinition) error {
		return policy(func(p *checkpoints.PolicyCreate) { p.OperationDefinition = definition })
	}
	mapping := []checkpoints.RestoreMapping{{BackupID: "b", VolumeID: "d"}}
	tag := func(key, value string) checkpoints.Tag { return checkpoints.Tag{Key: key, Value: value} }

	for want, err := range map[string]error{
		"checkpoints.Checkpoints.Create: the vault id is empty": errorOf(c.Checkpoints.Create(ctx, checkpoints.VaultBackup{VaultID: " "})),
		"the name is empty":                                                      backup(func(p *checkpoints.CheckpointParam) { p.Name = drkit.Some("") }),
		`the name "a b" has more than letters`:                                   backup(func(p *checkpoints.CheckpointParam) { p.Name = drkit.Some("a b") }),
		"the name has 65 characters: at most 64":                                 backup(func(p *checkpoints.CheckpointParam) { p.Name = drkit.Some(strings.Repeat("a", 65)) }),
		"the description has 256 characters: at most 255":                        backup(func(p *checkpoints.CheckpointParam) { p.Description = drkit.Some(strings.Repeat("ü", 256)) }),
		"the list of resources is empty: without one all are backed up":          backup(func(p *checkpoints.CheckpointParam) { p.Resources = []string{} }),
		"the list of resource details is empty":                                  backup(func(p *checkpoints.CheckpointParam) { p.ResourceDetails = []checkpoints.Resource{} }),
		"the id of a resource is empty":                                          backup(func(p *checkpoints.CheckpointParam) { p.Resources = []string{""} }),
		"the type of a resource is empty":                                        backup(func(p *checkpoints.CheckpointParam) { p.ResourceDetails = []checkpoints.Resource{{ID: "a"}} }),
		"257 resources: at most 256":                                             backup(func(p *checkpoints.CheckpointParam) { p.ResourceDetails = make([]checkpoints.Resource, 257) }),
		"checkpoints.Checkpoints.Get: checkpoint_id is empty":                    errorOf(c.Checkpoints.Get(ctx, "")),
		"checkpoints.Checkpoints.Replicate: the vault id is empty":               copied(func(p *checkpoints.CheckpointReplicateParam) { p.VaultID = "" }),
		"the destination is the vault itself":                                    copied(func(p *checkpoints.CheckpointReplicateParam) { p.VaultID = "d" }),
		"the destination vault id is empty":                                      copied(func(p *checkpoints.CheckpointReplicateParam) { p.DestinationVaultID = "" }),
		"the destination project id is empty":                                    copied(func(p *checkpoints.CheckpointReplicateParam) { p.DestinationProjectID = "" }),
		"the destination region is empty":                                        copied(func(p *checkpoints.CheckpointReplicateParam) { p.DestinationRegion = "" }),
		"checkpoints.Checkpoints.Sync: the vault id is empty":                    errorOf(c.Checkpoints.Sync(ctx, checkpoints.SyncParam{})),
		"checkpoints.Backups.Delete: backup_id is empty":                         errorOf(c.Backups.Delete(ctx, "")),
		`checkpoints.Backups.Delete: backup_id ".." is not an id`:                errorOf(c.Backups.Delete(ctx, "..")),
		"checkpoints.Backups.Get: backup_id is empty":                            errorOf(c.Backups.Get(ctx, "")),
		"checkpoints.Backups.List: a Marker and an Offset":                       errorOf(collect(c.Backups.List(ctx, checkpoints.BackupQuery{Marker: "m", Offset: 1}))),
		"checkpoints.Backups.List: negative Offset -1 or Limit 0":                errorOf(collect(c.Backups.List(ctx, checkpoints.BackupQuery{Offset: -1}))),
		"checkpoints.Backups.Replicate: the destination vault id is empty":       errorOf(c.Backups.Replicate(ctx, "b", checkpoints.BackupReplicateParam{DestinationProjectID: "p", DestinationRegion: "r"})),
		"checkpoints.Backups.Restore: there is nothing to restore to":            restore(checkpoints.BackupRestore{}),
		"a server and a disk: it is one of them":                                 restore(checkpoints.BackupRestore{ServerID: drkit.Some("s"), VolumeID: drkit.Some("d")}),
		"a server needs mappings":                                                restore(checkpoints.BackupRestore{ServerID: drkit.Some("s")}),
		"mappings of disks are for a server":                                     restore(checkpoints.BackupRestore{VolumeID: drkit.Some("d"), Mappings: mapping}),
		"the disk id of a mapping is empty":                                      restore(checkpoints.BackupRestore{ServerID: drkit.Some("s"), Mappings: []checkpoints.RestoreMapping{{BackupID: "b"}}}),
		"checkpoints.Backups.Sync: there are no backups":                         errorOf(c.Backups.Sync(ctx, nil)),
		"checkpoints.Members.Add: there is nobody to share with":                 errorOf(c.Members.Add(ctx, "b", checkpoints.Share{})),
		"11 members: at most 10":                                                 errorOf(c.Members.Add(ctx, "b", checkpoints.Share{Members: make([]string, 11)})),
		"the project id is empty":                                                errorOf(c.Members.Add(ctx, "b", checkpoints.Share{Members: []string{""}})),
		"checkpoints.Members.List: a Marker and an Offset":                       errorOf(collect(c.Members.List(ctx, "b", checkpoints.MemberQuery{Marker: "m", Offset: 1}))),
		"checkpoints.Members.List: backup_id is empty":                           errorOf(collect(c.Members.List(ctx, "", checkpoints.MemberQuery{}))),
		"checkpoints.Members.Update: accepting a share needs a vault id":         errorOf(c.Members.Update(ctx, "b", "p", checkpoints.MemberUpdate{Status: checkpoints.MemberStatusAccepted})),
		"checkpoints.Members.Update: the status is empty":                        errorOf(c.Members.Update(ctx, "b", "p", checkpoints.MemberUpdate{})),
		"checkpoints.Members.Delete: member_id is empty":                         c.Members.Delete(ctx, "b", ""),
		"checkpoints.Vaults.Create: the name is empty":                           vault(func(v *checkpoints.VaultCreate) { v.Name = "" }),
		"the list of tags is empty":                                              vault(func(v *checkpoints.VaultCreate) { v.Tags = []checkpoints.Tag{} }),
		"a size of 9 GB: 10 to 10485760":                                         vault(func(v *checkpoints.VaultCreate) { v.Billing.Size = 9 }),
		"a threshold of 0: 1 to 100 percent":                                     vault(func(v *checkpoints.VaultCreate) { v.Threshold = drkit.Some(0) }),
		"CreatePrepaid is for what is paid ahead":                                vault(func(v *checkpoints.VaultCreate) { v.Billing.ChargingMode = drkit.Some(checkpoints.ChargingModePrePaid) }),
		"the charging mode is not pre_paid":                                      prepaid(func(v *checkpoints.VaultCreate) { v.Billing.ChargingMode = drkit.Opt[checkpoints.ChargingMode]{} }),
		"what is paid ahead needs a period type":                                 prepaid(func(v *checkpoints.VaultCreate) { v.Billing.PeriodNum = drkit.Opt[int]{} }),
		"checkpoints.Vaults.Get: vault_id is empty":                              errorOf(c.Vaults.Get(ctx, "")),
		"checkpoints.Vaults.Delete: vault_id is empty":                           errorOf(c.Vaults.Delete(ctx, "")),
		"checkpoints.Vaults.Update: a size of 0 GB":                              errorOf(c.Vaults.Update(ctx, "v", checkpoints.VaultUpdate{Billing: drkit.Some(checkpoints.BillingUpdate{Size: drkit.Some(0)})})),
		"checkpoints.Vaults.Update: the name is empty":                           errorOf(c.Vaults.Update(ctx, "v", checkpoints.VaultUpdate{Name: drkit.Some("")})),
		"checkpoints.Vaults.External: the external project id is empty":          errorOf(collect(c.Vaults.External(ctx, checkpoints.ExternalVaultQuery{RegionID: "r"}))),
		"checkpoints.Vaults.AddResources: there are no resources":                errorOf(c.Vaults.AddResources(ctx, "v", nil)),
		"checkpoints.Vaults.RemoveResources: there are no resource ids":          errorOf(c.Vaults.RemoveResources(ctx, "v", nil)),
		"checkpoints.Vaults.MigrateResources: the destination vault id is empty": errorOf(c.Vaults.MigrateResources(ctx, "v", "", []string{"r"})),
		"checkpoints.Vaults.MigrateResources: the destination is the vault":      errorOf(c.Vaults.MigrateResources(ctx, "v", "v", []string{"r"})),
		"the object type is empty":                                               vault(func(v *checkpoints.VaultCreate) { v.Billing.ObjectType = "" }),
		"the protect type is empty":                                              vault(func(v *checkpoints.VaultCreate) { v.Billing.ProtectType = "" }),
		"the consistent level is empty":                                          prepaid(func(v *checkpoints.VaultCreate) { v.Billing.ConsistentLevel = "" }),
		"11 policies: at most 10":                                                errorOf(c.Vaults.AssociatePolicy(ctx, "v", checkpoints.PolicyAssociation{AddPolicyIDs: make([]string, 11)})),
		"checkpoints.Vaults.SetResources: the action is empty":                   errorOf(c.Vaults.SetResources(ctx, "v", "", []string{"r"})),
		"checkpoints.Vaults.AssociatePolicy: there are no policy ids":            errorOf(c.Vaults.AssociatePolicy(ctx, "v", checkpoints.PolicyAssociation{})),
		"a policy and several policies":                                          errorOf(c.Vaults.AssociatePolicy(ctx, "v", checkpoints.PolicyAssociation{PolicyID: drkit.Some("p"), AddPolicyIDs: []string{"p"}})),
		"checkpoints.Vaults.DissociatePolicy: the policy id is empty":            errorOf(c.Vaults.DissociatePolicy(ctx, "v", "")),
		"checkpoints.Vaults.ChangeChargeMode: there are no vault ids":            errorOf(c.Vaults.ChangeChargeMode(ctx, checkpoints.ChangeToPeriod{PeriodNum: 1})),
		"the period number is not positive":                                      errorOf(c.Vaults.ChangeChargeMode(ctx, checkpoints.ChangeToPeriod{VaultIDs: []string{"v"}})),
		"checkpoints.Vaults.Order: the id of a resource is empty":                errorOf(c.Vaults.Order(ctx, checkpoints.VaultOrder{Resources: make([]checkpoints.Resource, 1)})),
		"checkpoints.Orders.Change: the resource id is empty":                    errorOf(c.Orders.Change(ctx, checkpoints.OrderChange{})),
		"checkpoints.Orders.Update: the resource id is empty":                    errorOf(c.Orders.Update(ctx, "o", checkpoints.OrderUpdate{})),
		`an operation type of "": it is backup or replication`:                   policy(func(p *checkpoints.PolicyCreate) { p.OperationType = "" }),
		"replication needs a destination region":                                 policy(func(p *checkpoints.PolicyCreate) { p.OperationType = checkpoints.PolicyOperationReplication }),
		"there are no recurrence rules":                                          policy(func(p *checkpoints.PolicyCreate) { p.Trigger = checkpoints.PolicyTrigger{} }),
		"a retention and a number of backups":                                    kept(checkpoints.OperationDefinition{RetentionDurationDays: drkit.Some(1), MaxBackups: drkit.Some(1)}),
		"a retention and numbers for days":                                       kept(checkpoints.OperationDefinition{RetentionDurationDays: drkit.Some(1), DayBackups: drkit.Some(1), Timezone: drkit.Some("UTC")}),
		"numbers for days, weeks, months or years need a time zone":              kept(checkpoints.OperationDefinition{YearBackups: drkit.Some(1)}),
		"101 days, weeks, months or years: 0 to 100":                             kept(checkpoints.OperationDefinition{WeekBackups: drkit.Some(101)}),
		"a retention of -2":                                                      kept(checkpoints.OperationDefinition{RetentionDurationDays: drkit.Some(-2)}),
		"a number of backups of 100000":                                          kept(checkpoints.OperationDefinition{MaxBackups: drkit.Some(100000)}),
		"a full backup after 101 others":                                         kept(checkpoints.OperationDefinition{FullBackupInterval: drkit.Some(101)}),
		"checkpoints.Policies.Update: there are no recurrence rules":             errorOf(c.Policies.Update(ctx, "p", checkpoints.PolicyUpdate{Trigger: drkit.Some(checkpoints.PolicyTrigger{})})),
		"checkpoints.Policies.Delete: policy_id is empty":                        c.Policies.Delete(ctx, ""),
		"checkpoints.Tasks.Get: operation_log_id is empty":                       errorOf(c.Tasks.Get(ctx, "")),
		"checkpoints.Protectables.List: protectable_type is empty":               errorOf(c.Protectables.List(ctx, "", checkpoints.ProtectableQuery{})),
		"checkpoints.Features.Get: feature_key is empty":                         errorOf(c.Features.Get(ctx, "")),
		"checkpoints.Tags.FindVaults: the key of a tag is empty":                 errorOf(collect(c.Tags.FindVaults(ctx, checkpoints.TagFilter{NotTags: make([]checkpoints.TagValues, 1)}))),
		"checkpoints.Tags.FindVaults: there are several matches":                 errorOf(c.Tags.CountVaults(ctx, checkpoints.TagFilter{Matches: make([]checkpoints.TagMatch, 2)})),
		"checkpoints.Tags.Set: the key of a tag is empty":                        c.Tags.Set(ctx, "v", tag(" ", "")),
		"has control characters or one of":                                       c.Tags.Set(ctx, "v", tag("a", "b|c")),
		"checkpoints.Tags.Set: vault_id is empty":                                c.Tags.Set(ctx, "", tag("a", "b")),
		"checkpoints.Tags.SetMany: there are no tags":                            c.Tags.SetMany(ctx, "v", nil),
		`the key "a" is there twice`:                                             c.Tags.SetMany(ctx, "v", []checkpoints.Tag{tag("a", "b"), tag("a", "c")}),
		"checkpoints.Tags.SetMany: there are no keys":                            c.Tags.DeleteMany(ctx, "v", nil),
		"checkpoints.Tags.Delete: key is empty":                                  c.Tags.Delete(ctx, "v", ""),
		"checkpoints.Agents.Check: there are no servers":                         errorOf(c.Agents.Check(ctx, nil)),
		"checkpoints.Agents.Register: the agent id is empty":                     errorOf(c.Agents.Register(ctx, checkpoints.AgentCreate{})),
		"checkpoints.Agents.AddPaths: there are no paths":                        errorOf(c.Agents.AddPaths(ctx, "a", checkpoints.AddPaths{})),
		"checkpoints.Agents.RemovePaths: there are no paths":                     errorOf(c.Agents.RemovePaths(ctx, "a", nil)),
		"checkpoints.OrganizationPolicies.List: the operation type is empty":     errorOf(collect(c.OrganizationPolicies.List(ctx, checkpoints.OrganizationPolicyQuery{}))),
		"checkpoints.OrganizationPolicies.Create: the name is empty":             errorOf(c.OrganizationPolicies.Create(ctx, checkpoints.OrganizationPolicyCreate{PolicyName: "p"})),
		"checkpoints.Migrations.Start: a reservation of 1.5: 0 to 1":             errorOf(c.Migrations.Start(ctx, checkpoints.MigrationStart{Reservation: 1.5})),
	} {
		require.ErrorContains(t, err, want)
	}
	assert.Empty(t, s.Lines())
}

// An empty identifier never reaches a collection, whatever the operation and whichever of its identifiers it is.
func TestEmptyIdentifiersAreRefused(t *testing.T) {
	t.Parallel()
	s := newService(t)
	client := reflect.ValueOf(s.client()).Elem()
	for _, operation := range contract.Table.Operations {
		for _, name := range methodsOf(operation) {
			resource, method, _ := strings.Cut(name, ".")
			call := client.FieldByName(resource).MethodByName(method)
			for empty := range strings.Count(strings.ReplaceAll(operation.Path, "{project_id}", ""), "{") {
				arguments := []reflect.Value{reflect.ValueOf(t.Context())}
				for i := 1; i < call.Type().NumIn(); i++ {
					arguments = append(arguments, reflect.Zero(call.Type().In(i)))
					if arguments[i].Kind() == reflect.String && i != empty+1 {
						arguments[i] = reflect.ValueOf("x").Convert(call.Type().In(i))
					}
				}
				send := call.Call
				if call.Type().IsVariadic() {
					send = call.CallSlice
				}
				assert.Error(t, outcomeOf(send(arguments)), name)
			}
		}
	}
	assert.Empty(t, s.Lines())
}

// outcomeOf returns the error of a call, or the first one of the list that it returns.
func outcomeOf(results []reflect.Value) error {
	last := results[len(results)-1]
	if last.Kind() == reflect.Func {
		for _, err := range last.Seq2() {
			last = err
			break
		}
	}
	err, _ := last.Interface().(error)
	return err
}

// Identifiers stay within their part of the path, and projects as well.
func TestIdentifiersAreEscaped(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.On("GET", prefix+"/vaults/a%2Fb%3Fc%3Dd", answer(t, 200, "vaults_get.answer"))
	_, err := s.client().Vaults.Get(t.Context(), "a/b?c=d")
	require.NoError(t, err)
	assert.Equal(t, "GET "+prefix+"/vaults/a%2Fb%3Fc%3Dd", s.Only().Line)
}

// The lists of a filter stay the caller's own.
func TestFilterStaysAsItIs(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.On("POST", prefix+"/vault/resource_instances/action", says(200, `{"total_count":3}`))
	filter := checkpoints.TagFilter{Tags: []checkpoints.TagValues{{Key: "season"}}}
	count, err := s.client().Tags.CountVaults(t.Context(), filter)
	require.NoError(t, err)
	assert.Equal(t, 3, count)
	assert.Nil(t, filter.Tags[0].Values)
	assert.JSONEq(t, `{"action":"count","tags":[{"key":"season","values":[]}]}`, s.Only().Body)
}

// An answer without what was asked for is none.
func TestAnswersWithoutTheirObject(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases() {
		operation := operationOf(tc.operation)
		if operation.Answer == "" {
			continue
		}
		single := !strings.HasSuffix(operation.Answer, "Answer") || tc.member != "" && !isList(operation.Answer, tc.member)
		if !single || slices.Contains(mayBeEmpty, tc.operation) || tc.kind == "paid ahead" || tc.kind == "count" {
			continue
		}
		for _, body := range []string{`{}`, `{"` + tc.member + `":{}}`, `{"` + tc.member + `":null}`} {
			s, client := tc.layOut(t, says(operation.Statuses[0], body))
			got, err := tc.call(t.Context(), t, client)
			require.Error(t, err, tc.name())
			assert.ErrorContains(t, err, "the answer cannot be used", tc.name())
			assert.Empty(t, got, tc.name())
			assert.Len(t, s.Lines(), 1, tc.name())
		}
	}
}

// mayBeEmpty are operations whose answer says little, or nothing that a caller could not do without.
var mayBeEmpty = []string{
	"Backups.Restore", "Vaults.Summary", "Vaults.Order", "Vaults.ChangeChargeMode", "Orders.Change", "Orders.Update",
	"Vaults.AssociatePolicy", "Vaults.DissociatePolicy", "Tags.Get", "Features.List", "Features.Get", "Agents.AddPaths",
	"Agents.RemovePaths", "Migrations.Start", "Migrations.Get",
}

func isList(schema, member string) bool {
	for _, one := range contract.Table.Schemas[schema].Members {
		if one.Name == member {
			return contract.Table.Schemas[one.Schema].Type == "array"
		}
	}
	return false
}
