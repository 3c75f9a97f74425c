package unitrendstest

import (
	"errors"
	"fmt"
	"time"
)

// Asset is something that an appliance protects.
type Asset struct {
	Name    string // as in "db-1"
	Client  string // the hypervisor or client that it belongs to; "esx-1" by default
	Type    string // "VMware" by default
	Backups int    // how many there are from the beginning, an hour apart; 0: one, -1: none
	Size    int    // of each backup in MB; 1024 by default
}

// asset is a machine or application, or the client that it belongs to.
type asset struct {
	id     int
	name   string
	kind   string
	size   int
	parent *asset // nil: it is a client
}

// backup is one backup, or the copy of one.
type backup struct {
	id      int
	asset   *asset
	system  *appliance // that has made it
	started time.Time
	size    int              // MB
	copied  map[*target]bool // the targets that have a copy
}

func (a *appliance) addAsset(given Asset) error {
	if given.Name == "" || given.Size < 0 || given.Backups < -1 {
		return errors.New("an asset has a name and no negative size")
	}
	if a.assetNamed(given.Name) != nil {
		return fmt.Errorf("there are two assets of the name %q", given.Name)
	}
	client := a.assetNamed(or(given.Client, "esx-1"))
	if client == nil {
		client = &asset{id: a.nextID(kindAsset), name: or(given.Client, "esx-1"), kind: or(given.Type, "VMware")}
		a.assets = append(a.assets, client)
	}
	made := &asset{
		id: a.nextID(kindAsset), name: given.Name, kind: or(given.Type, "VMware"), size: given.Size, parent: client,
	}
	if made.size == 0 {
		made.size = 1024
	}
	a.assets = append(a.assets, made)
	count := given.Backups
	if count == 0 {
		count = 1
	}
	for i := range max(count, 0) {
		a.addBackup(made, a.now.Add(time.Duration(i-count)*time.Hour))
	}
	return nil
}

func (a *appliance) addBackup(of *asset, started time.Time) *backup {
	b := &backup{
		id: a.nextID(kindBackup), asset: of, system: a, started: started, size: of.size, copied: map[*target]bool{},
	}
	a.backups = append(a.backups, b)
	return b
}

func (a *appliance) assetNamed(name string) *asset {
	for _, known := range a.assets {
		if known.name == name {
			return known
		}
	}
	return nil
}

// backup returns the backup of an id, or nil.
func (a *appliance) backup(id int) *backup {
	for _, b := range a.backups {
		if b.id == id {
			return b
		}
	}
	return nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
