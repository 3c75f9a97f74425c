package clouds

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/drkit-go/drkit/checkpoints"
)

// ErrNoCloud is what comes where clouds.yaml is missing, or has no cloud of the name.
var ErrNoCloud = errors.New("no such cloud")

// files are the texts of the three files; nil where one is missing.
type files struct{ clouds, secure, public []byte }

// settings returns what the files say of a cloud in a region; an empty region is the one that the files name, or the
// first.
func (f files) settings(name, region string) (checkpoints.Settings, error) {
	var none checkpoints.Settings
	cloud, err := cloudOf("clouds.yaml", f.clouds, "clouds", name)
	if err != nil {
		return none, err
	}
	if cloud == nil {
		return none, fmt.Errorf("%w: %q", ErrNoCloud, name)
	}
	if cloud, err = f.withProfile(cloud); err != nil {
		return none, err
	}
	secret, err := cloudOf("secure.yaml", f.secure, "clouds", name)
	if err != nil {
		return none, err
	}
	if cloud, err = enter(merge(cloud, secret), region); err != nil {
		return none, fmt.Errorf("cloud %q: %w", name, err)
	}
	s, err := flatten(cloud)
	if err != nil {
		return none, fmt.Errorf("cloud %q: %w", name, err)
	}
	return s, nil
}

// withProfile puts a cloud on top of the profile that it refers to.
func (f files) withProfile(cloud section) (section, error) {
	name := cloud["profile"].text
	if name == "" {
		name = cloud["cloud"].text
	}
	if name == "" {
		return cloud, nil
	}
	profile, err := cloudOf("clouds-public.yaml", f.public, "public-clouds", name)
	switch {
	case err != nil:
		return nil, err
	case profile == nil:
		return nil, fmt.Errorf("%w: profile %q is not in clouds-public.yaml", ErrNoCloud, name)
	}
	return merge(profile, cloud), nil
}

// cloudOf returns one cloud of a file, nil if it is not there.
func cloudOf(file string, text []byte, top, name string) (section, error) {
	document, err := parse(file, text)
	if err != nil {
		return nil, err
	}
	return document.members[top].members[name].members, nil
}

// merge returns one mapping put over another, member by member.
func merge(under, over section) section {
	merged := maps.Clone(under)
	if merged == nil {
		merged = section{}
	}
	for name, above := range over {
		if below := merged[name]; below.members != nil && above.members != nil {
			above = value{members: merge(below.members, above.members)}
		}
		merged[name] = above
	}
	return merged
}

// enter settles the region, and puts what is said of it over what is said of the cloud.
func enter(cloud section, region string) (section, error) {
	listed := cloud["regions"].list
	if region == "" {
		region = cloud["region_name"].text
	}
	for _, entry := range listed {
		name := entry.text
		if entry.members != nil {
			name = entry.members["name"].text
		}
		if name != "" && (region == "" || region == name) {
			cloud = merge(cloud, entry.members["values"].members)
			return merge(cloud, section{"region_name": {text: name}}), nil
		}
	}
	if len(listed) > 0 && region != "" {
		return nil, fmt.Errorf("%q is not one of its regions", region)
	}
	return merge(cloud, section{"region_name": {text: region}}), nil
}

// flatten turns the members of a cloud, and those of its auth section, into settings.
func flatten(cloud section) (checkpoints.Settings, error) {
	var s checkpoints.Settings
	for _, members := range []section{cloud, cloud["auth"].members} {
		for _, name := range slices.Sorted(maps.Keys(members)) {
			if err := s.Set(name, members[name].text); err != nil {
				return checkpoints.Settings{}, err
			}
		}
	}
	return s, nil
}
