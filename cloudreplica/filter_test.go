package cloudreplica_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
)

type (
	tenant       = cloudreplica.CloudTenant
	tenantFilter = cloudreplica.Filter[tenant]
)

func TestFilters(t *testing.T) {
	t.Parallel()
	name, enabled, kind := cloudreplica.TenantFieldName, cloudreplica.TenantFieldEnabled, cloudreplica.TenantFieldType
	a, b, c := name.Is("a"), name.Is("b"), name.Is("c")
	var everything tenantFilter
	for want, filter := range map[string]tenantFilter{
		`Name==a`:                          a,
		`Name=="a b"`:                      name.Is("a b"),
		`Name=="say ""x"""`:                name.Is(`say "x"`),
		`Name=="";`:                        {},
		`Name=="Ä"`:                        name.Is("Ä"),
		`Name=="a;b,(c)"`:                  name.Is("a;b,(c)"),
		`Enabled!=true`:                    enabled.IsNot(true),
		`Type>=Standalone`:                 kind.AtLeast(cloudreplica.TenantKindStandalone),
		`UID=="urn:veeam:CloudTenant:1-2"`: cloudreplica.TenantFieldUID.Is("urn:veeam:CloudTenant:1-2"),
		`(Name==a;Name==b)`:                cloudreplica.And(a, b),
		`(Name==a,Name==b)`:                cloudreplica.Or(a, b),
		`(Name==c;(Name==a,Name==b))`:      cloudreplica.And(c, cloudreplica.Or(a, b)),
		`((Name==a;Name==b),Name==c)`:      cloudreplica.Or(cloudreplica.And(a, b), c),
		`(Name==a,Name==b,Name==c)`:        name.In("a", "b", "c"),
		`Name==b`:                          cloudreplica.And(everything, b, cloudreplica.And[tenant]()),
		`Name<c`:                           cloudreplica.Or(name.Below("c"), name.In()),
		`Name<=c`:                          cloudreplica.And(name.AtMost("c")),
		`Name>c`:                           cloudreplica.Or(name.Above("c")),
	} {
		if want == `Name=="";` {
			want = ""
		}
		assert.Equal(t, want, filter.String())
	}
	assert.Empty(t, cloudreplica.Or(a, everything).String(), "everything is among them")
	assert.NotEqual(t, everything, cloudreplica.And(a, name.In()), "nothing, and not everything")
	assert.Equal(t, name.In(), cloudreplica.And(a, name.In()))
	assert.Equal(t, name.In(), cloudreplica.Or(name.In(), name.In()))

	at := time.Date(2031, 5, 2, 1, 2, 3, 123456789, time.FixedZone("", -5*60*60))
	assert.Equal(t, `CreationTime>="2031-05-02T06:02:03.1234567Z"`, cloudreplica.PointFieldCreationTime.AtLeast(at).String())
	assert.Equal(t, `Port==9392`, cloudreplica.BackupServerFieldPort.Is(9392).String())
	assert.Equal(t, `Port>"-1"`, cloudreplica.BackupServerFieldPort.Above(-1).String())
}

// The fields of queries are those of the contract, with the types of their values.
func TestFieldsOfQueries(t *testing.T) {
	t.Parallel()
	for schema, fields := range map[string][]any{
		"CloudVmReplicaPointFields": {
			cloudreplica.PointFieldUID, cloudreplica.PointFieldName, cloudreplica.PointFieldCreationTime, cloudreplica.PointFieldVMName,
			cloudreplica.PointFieldType, cloudreplica.PointFieldReplicaUID, cloudreplica.PointFieldReplicaName,
			cloudreplica.PointFieldVMDisplayName, cloudreplica.PointFieldBackupServerUID, cloudreplica.PointFieldBackupServerName,
			cloudreplica.PointFieldState,
		},
		"CloudFailoverPlanFields": {
			cloudreplica.PlanFieldUID, cloudreplica.PlanFieldName, cloudreplica.PlanFieldDescription, cloudreplica.PlanFieldCloudTenantUID,
			cloudreplica.PlanFieldCloudTenantName, cloudreplica.PlanFieldBackupServerUID, cloudreplica.PlanFieldBackupServerName,
		},
		"CloudTenantFields": {
			cloudreplica.TenantFieldUID, cloudreplica.TenantFieldName, cloudreplica.TenantFieldEnabled, cloudreplica.TenantFieldBackupServerUID,
			cloudreplica.TenantFieldBackupServerName, cloudreplica.TenantFieldType, cloudreplica.TenantFieldOrganizationReference,
		},
	} {
		members := contract.Table.Schemas[schema].Members
		if !assert.Len(t, fields, len(members), schema) {
			continue
		}
		for i, member := range members {
			assert.Equal(t, member.Name, reflect.ValueOf(fields[i]).String())
			kind := reflect.TypeOf(fields[i]).String()
			assert.Equal(t, member.Type == "boolean", strings.HasSuffix(kind, ",bool]"), kind)
			assert.Equal(t, len(member.Enum) > 0, strings.HasSuffix(kind, "Type]") || strings.HasSuffix(kind, "State]") || strings.HasSuffix(kind, "Kind]"), kind)
		}
	}
}

// The order of an enumeration, by which the service compares, is that of its constants.
func TestOrderOfEnumerations(t *testing.T) {
	t.Parallel()
	orders := map[string][]string{
		"CloudVmReplicaPointFields.State":   {"Unknown", "Ready", "Failover", "Failback", "PermanentFailover"},
		"CloudVmReplicaPointFields.Type":    {"CDP", "Full", "ReverseIncrement", "Increment", "Snapshot"},
		"CloudFailoverSessionFields.Result": {"Success", "Warning", "Failed", "None"},
		"CloudTenantFields.Type":            {"vCD", "Standalone", "ActiveDirectory"},
	}
	for place, want := range orders {
		schema, name, _ := strings.Cut(place, ".")
		for _, member := range contract.Table.Schemas[schema].Members {
			if member.Name == name {
				assert.Equal(t, want, member.Enum, place)
			}
		}
	}
}
