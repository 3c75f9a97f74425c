package checkpoints

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/drkit-go/drkit/internal/api"
)

// wrong is what stops a call before anything is sent.
func wrong(operation *api.Operation, err error) error {
	return fmt.Errorf("%s.%s: %w", service, operation.Name, err)
}

// filled refuses an empty value, which the service would take for none, or for all.
func filled(what, value string) error {
	if strings.TrimSpace(value) == "" {
		return errors.New("the " + what + " is empty")
	}
	return nil
}

// noneEmpty refuses a list with an empty value.
func noneEmpty(what string, values []string) error {
	for _, value := range values {
		if err := filled(what, value); err != nil {
			return err
		}
	}
	return nil
}

// someIDs refuses a list without identifiers, or with an empty one.
func someIDs(of string, ids []string) error {
	if len(ids) == 0 {
		return errors.New("there are no " + of + " ids")
	}
	return noneEmpty(of+" id", ids)
}

// atMost refuses text of too many characters.
func atMost(what, value string, most int) error {
	if n := utf8.RuneCountInString(value); n > most {
		return fmt.Errorf("the %s has %d characters: at most %d", what, n, most)
	}
	return nil
}

const longestName, longestText = 64, 255

// plainName refuses what is not 1 to 64 letters, digits, underscores and hyphens.
func plainName(name string) error {
	odd := strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	switch {
	case name == "":
		return errors.New("the name is empty")
	case odd >= 0:
		return fmt.Errorf("the name %q has more than letters, digits, underscores and hyphens", name)
	}
	return atMost("name", name, longestName)
}

const mostResources = 256

func checkResources(resources []Resource) error {
	if len(resources) > mostResources {
		return fmt.Errorf("%d resources: at most %d", len(resources), mostResources)
	}
	for _, resource := range resources {
		if err := errors.Join(filled("id of a resource", resource.ID), filled("type of a resource", string(resource.Type))); err != nil {
			return err
		}
	}
	return nil
}

func (b VaultBackup) check() error {
	parameters := b.Parameters.Or(CheckpointParam{})
	if err := filled("vault id", b.VaultID); err != nil {
		return err
	}
	if name, there := parameters.Name.Get(); there {
		if err := plainName(name); err != nil {
			return err
		}
	}
	if parameters.Resources != nil && len(parameters.Resources) == 0 {
		return errors.New("the list of resources is empty: without one all are backed up")
	}
	if parameters.ResourceDetails != nil && len(parameters.ResourceDetails) == 0 {
		return errors.New("the list of resource details is empty: without one all resources are backed up")
	}
	return errors.Join(atMost("description", parameters.Description.Or(""), longestText),
		noneEmpty("id of a resource", parameters.Resources), checkResources(parameters.ResourceDetails))
}

func checkDestination(vault, project, region string) error {
	return errors.Join(filled("destination vault id", vault), filled("destination project id", project),
		filled("destination region", region), atMost("destination region", region, longestText))
}

func (p CheckpointReplicateParam) check() error {
	if err := filled("vault id", p.VaultID); err != nil {
		return err
	}
	if p.VaultID == p.DestinationVaultID {
		return errors.New("the destination is the vault itself")
	}
	return checkDestination(p.DestinationVaultID, p.DestinationProjectID, p.DestinationRegion)
}

func (p BackupReplicateParam) check() error {
	if name, there := p.Name.Get(); there {
		if err := errors.Join(filled("name", name), atMost("name", name, longestName)); err != nil {
			return err
		}
	}
	return errors.Join(checkDestination(p.DestinationVaultID, p.DestinationProjectID, p.DestinationRegion),
		atMost("description", p.Description.Or(""), longestText))
}

func (r BackupRestore) check() error {
	server, volume := r.ServerID.Or(""), r.VolumeID.Or("")
	_, elsewhere := r.ResourceID.Get()
	switch {
	case server != "" && volume != "":
		return errors.New("a server and a disk: it is one of them that is overwritten")
	case server != "" && len(r.Mappings) == 0:
		return errors.New("a server needs mappings of disk backups to disks")
	case server == "" && len(r.Mappings) > 0:
		return errors.New("mappings of disks are for a server")
	case server == "" && volume == "" && !elsewhere:
		return errors.New("there is nothing to restore to")
	}
	for _, mapping := range r.Mappings {
		if err := errors.Join(filled("backup id of a mapping", mapping.BackupID), filled("disk id of a mapping", mapping.VolumeID)); err != nil {
			return err
		}
	}
	return nil
}

func (v VaultCreate) check() error {
	const longest = 64
	if v.Tags != nil && len(v.Tags) == 0 {
		return errors.New("the list of tags is empty: the service takes none in its place")
	}
	return errors.Join(filled("name", v.Name), atMost("name", v.Name, longestName),
		filled("object type", string(v.Billing.ObjectType)), filled("protect type", string(v.Billing.ProtectType)),
		filled("consistent level", string(v.Billing.ConsistentLevel)), atMost("description", v.Description.Or(""), longest), checkThreshold(v.Threshold.Or(1)),
		checkSize(v.Billing.Size, leastNewSize), checkTags(v.Tags), checkResources(v.Resources))
}

func (v VaultUpdate) check() error {
	if name, there := v.Name.Get(); there {
		if err := errors.Join(filled("name", name), atMost("name", name, longestName)); err != nil {
			return err
		}
	}
	return errors.Join(checkThreshold(v.Threshold.Or(1)), checkSize(v.Billing.Or(BillingUpdate{}).Size.Or(1), 1))
}

const leastNewSize, mostSize = 10, 10485760 // GB

func checkSize(size, least int) error {
	if size < least || size > mostSize {
		return fmt.Errorf("a size of %d GB: %d to %d", size, least, mostSize)
	}
	return nil
}

func checkThreshold(percent int) error {
	if percent < 1 || percent > 100 {
		return fmt.Errorf("a threshold of %d: 1 to 100 percent", percent)
	}
	return nil
}

func (a PolicyAssociation) check() error {
	_, one := a.PolicyID.Get()
	switch {
	case one && a.AddPolicyIDs != nil:
		return errors.New("a policy and several policies: it is one of the two")
	case one:
		return filled("policy id", a.PolicyID.Or(""))
	}
	const most = 10
	if len(a.AddPolicyIDs) > most {
		return fmt.Errorf("%d policies: at most %d at a time", len(a.AddPolicyIDs), most)
	}
	return someIDs("policy", a.AddPolicyIDs)
}

// checkTags refuses tags that no cloud takes.
func checkTags(tags []Tag) error {
	seen := map[string]bool{}
	for _, tag := range tags {
		switch {
		case strings.TrimSpace(tag.Key) == "":
			return errors.New("the key of a tag is empty")
		case seen[tag.Key]:
			return fmt.Errorf("the key %q is there twice", tag.Key)
		case oddInTag(tag.Key) || oddInTag(tag.Value):
			return fmt.Errorf(`the tag %q has control characters or one of =*<>\,|/`, tag.Key+"="+tag.Value)
		}
		seen[tag.Key] = true
	}
	return nil
}

func oddInTag(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < ' ' || strings.ContainsRune(`=*<>\,|/`, r) }) >= 0
}
