package vcavtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// row is a replication in a list. Its sites are beside it, for a look at each of ten thousand replications
// itself would take longer than all the rest of a page.
type row struct {
	*replication
	from, to *site
}

// replicationListing is the list of VM replications at a moment, as the guide describes its parameters.
func (a *appliance) replicationListing(now time.Time, asked *site) listing[row] {
	type r = row
	updated := func(x r) time.Time { return x.lastUpdated }
	return listing[r]{
		limit: a.config.pageLimit,
		filters: []filter[r]{
			forAdmins(equal("owner", func(x r) string { return x.owner })),
			notSite(asked, equal("sourceSite", func(x r) string { return x.source.site.name })),
			equal("sourceSiteType", func(x r) string { return x.source.site.kind() }),
			equal("sourceVdcId", func(x r) string { return x.source.vdc().id }),
			equal("sourceVdcName", func(x r) string { return x.source.vdc().name }),
			equal("sourceOrg", func(x r) string { return x.source.org }),
			forAdmins(equal("sourceVimServerUuid", func(x r) string { return x.source.site.vim.VIMServerInstanceUUID })),
			equal("vmId", func(x r) string { return x.vmID }),
			contains("vmName", func(x r) string { return x.vmName }),
			equal("storageProfile", func(x r) string { return x.storageProfile }),
			equal("destinationOrg", func(x r) string { return x.destination.org }),
			equal("destinationVdcId", func(x r) string { return x.destination.vdc().id }),
			equal("destinationVdcName", func(x r) string { return x.destination.vdc().name }),
			equal("destinationSiteType", func(x r) string { return x.destination.site.kind() }),
			recovered("recoveredVmId"),
			forAdmins(equal("vimServerInstanceUuid", func(x r) string { return x.destination.site.vim.VIMServerInstanceUUID })),
			forAdmins(equal("datastoreMoref", func(x r) string { return x.destination.site.vim.DatastoreMoref })),
			oneOf("isMigration", []string{"true", "false"}, func(x r) string { return strconv.FormatBool(x.migration) }),
			equal("slaProfileId", func(x r) string { return x.profileReference().ID }),
			equal("slaProfileDisplayName", func(x r) string { return x.profileReference().DisplayName }),
			before("lastUpdatedBefore", updated),
			after("lastUpdatedAfter", updated),
			equal("overallHealth", func(x r) string { return healthOf(x.replication) }),
			equal("dataConnectionState", func(x r) string { return connectionState(x.replication, now) }),
			anyOf("ids", func(x r) string { return x.id }),
		},
		orders: map[string]func(x, y r) int{
			"vmName":             ascending(func(x r) string { return x.vmName }),
			"sourceSite":         ascending(func(x r) string { return x.source.site.name }),
			"sourceOrg":          ascending(func(x r) string { return x.source.org }),
			"sourceVdcName":      ascending(func(x r) string { return x.source.vdc().name }),
			"site":               ascending(func(x r) string { return x.destination.site.name }),
			"destinationOrg":     ascending(func(x r) string { return x.destination.org }),
			"destinationVdcName": ascending(func(x r) string { return x.destination.vdc().name }),
			"owner":              ascending(func(x r) string { return x.owner }),
			"lastUpdated":        ascending(func(x r) int64 { return millis(x.lastUpdated) }),
		},
	}
}

// notSite refuses the site that is asked as a value: the guide says that it is not supported.
func notSite(asked *site, f filter[row]) filter[row] {
	parse := f.parse
	f.parse = func(value string) (func(row) bool, error) {
		if value == asked.name {
			return nil, badParameter(f.name, value)
		}
		return parse(value)
	}
	return f
}

func contains(name string, of func(row) string) filter[row] {
	return filter[row]{name: name, parse: func(value string) (func(row) bool, error) {
		return func(r row) bool { return strings.Contains(of(r), value) }, nil
	}}
}

// recovered takes the id of a recovered machine, as the parameter is called, or of its vApp, as the guide
// describes it.
func recovered(name string) filter[row] {
	return filter[row]{name: name, parse: func(value string) (func(row) bool, error) {
		return func(r row) bool { return r.recoveredVM == value || r.recoveredVApp == value }, nil
	}}
}

func (a *appliance) listReplications(call *simkit.Call, v *visit) (any, error) {
	if call.Query.Has("datastoreMoref") && !call.Query.Has("vimServerInstanceUuid") {
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "Filtering by datastoreMoref needs vimServerInstanceUuid.")
	}
	now := a.now
	list := a.replicationListing(now, v.site)
	rows, err := a.rows(list, call.Query.Get("sort"))
	if err != nil {
		return nil, err
	}
	rows, page, err := list.page(call, v, rows, func(x row) bool {
		return (x.from == v.site || x.to == v.site) && (v.admin || v.owns(x.replication))
	})
	if err != nil {
		return nil, err
	}
	bodies := make([]replicationBody, 0, len(rows))
	for _, x := range rows {
		bodies = append(bodies, a.view(x.replication, now, v.admin))
	}
	page.Items = bodies
	return page, nil
}

// rows are all replications in an order, by default the newest first. They stay as they are until something
// happens, so that the pages of a long list are not sorted one by one.
func (a *appliance) rows(list listing[row], spec string) ([]row, error) {
	if kept, ok := a.sorted[spec]; ok {
		return kept, nil
	}
	rows := make([]row, 0, len(a.replications))
	for _, r := range slices.Backward(a.replications) {
		rows = append(rows, row{r, r.source.site, r.destination.site})
	}
	if err := list.sort(rows, spec); err != nil {
		return nil, err
	}
	if a.sorted == nil {
		a.sorted = map[string][]row{}
	}
	a.sorted[spec] = rows
	return rows, nil
}

func (a *appliance) getReplication(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	return a.view(r, a.now, v.admin), nil
}

func (a *appliance) instances(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	bodies := []instanceBody{}
	for _, i := range r.instances {
		bodies = append(bodies, instanceOf(i))
	}
	return bodies, nil
}

// instance shows one instance with its disks.
func (a *appliance) instance(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	key := call.Arguments["instanceId"]
	for _, i := range r.instances {
		if i.key != key {
			continue
		}
		body := instanceDetailsBody{instanceBody: instanceOf(i), DisksInfo: []instanceDiskBody{}}
		for _, disk := range i.disks {
			body.DisksInfo = append(body.DisksInfo, instanceDiskBody{DiskKey: disk})
		}
		return body, nil
	}
	return nil, instanceNotFound(key)
}
