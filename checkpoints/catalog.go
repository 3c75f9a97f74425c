package checkpoints

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const serviceType = "cbr"

// catalogService is one service in the catalogue of a cloud.
type catalogService struct {
	Type      string            `json:"type"`
	Endpoints []catalogEndpoint `json:"endpoints"`
}

type catalogEndpoint struct {
	Interface string `json:"interface"`
	Region    string `json:"region"`
	RegionID  string `json:"region_id"`
	URL       string `json:"url"`
}

// in reports whether the address is that of a region; "*" is for all.
func (e catalogEndpoint) in(region string) bool {
	own := e.RegionID
	if own == "" {
		own = e.Region
	}
	return region == "" || own == "*" || own == region || e.Region == region
}

// endpointOf picks the address of the service from a catalogue.
func endpointOf(catalog []catalogService, at Identity, project string) (string, error) {
	kind := at.Interface
	if kind == "" {
		kind = "public"
	}
	var found, regions []string
	for _, service := range catalog {
		if service.Type != serviceType {
			continue
		}
		for _, endpoint := range service.Endpoints {
			if endpoint.Interface != kind || endpoint.URL == "" {
				continue
			}
			regions = append(regions, endpoint.RegionID)
			if endpoint.in(at.Region) && !slices.Contains(found, endpoint.URL) {
				found = append(found, endpoint.URL)
			}
		}
	}
	switch {
	case len(regions) == 0:
		return "", fmt.Errorf("the catalogue has no %s address of the service %s: name the endpoint", kind, serviceType)
	case len(found) == 0:
		return "", fmt.Errorf("the catalogue has the service %s in the regions %s, and not in %q", serviceType, listed(regions), at.Region)
	case len(found) > 1:
		return "", fmt.Errorf("the catalogue has the service %s in the regions %s: name one of them", serviceType, listed(regions))
	default:
		return baseOf(found[0], project)
	}
}

func listed(names []string) string {
	slices.Sort(names)
	return fmt.Sprintf("%q", slices.Compact(names))
}

// baseOf takes version and project off an address, since paths have both.
func baseOf(address, project string) (string, error) {
	base := strings.TrimRight(strings.TrimSpace(address), "/")
	for _, last := range []string{project, "$(project_id)s", "%(project_id)s", "$(tenant_id)s", "%(tenant_id)s"} {
		if shorter, cut := strings.CutSuffix(base, "/v3/"+last); cut && last != "" {
			return shorter, nil
		}
	}
	base = strings.TrimSuffix(base, "/v3")
	if strings.Contains(base, "/v3/") {
		return "", errors.New("the address of the service is for another project")
	}
	return base, nil
}
