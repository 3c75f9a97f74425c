package checkpointstest

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

// VMID returns the id that a server has unless its [Resource] names another.
func VMID(name string) string { return simkit.StableID("server", name) }

// DiskID returns the id of a disk of a server, counted from 0 for the system disk, unless its [Resource] names
// others.
func DiskID(vm string, disk int) string {
	return simkit.StableID("disk", vm, strconv.Itoa(disk))
}

// VolumeID returns the id that a disk of its own has unless its [Resource] names another.
func VolumeID(name string) string { return simkit.StableID("volume", name) }

// FileSystemID returns the id that a file system has unless its [Resource] names another.
func FileSystemID(name string) string { return simkit.StableID("turbo", name) }

// VaultID returns the id that a vault of an option has unless its [Vault] names another. Vaults that clients
// create have fresh ones.
func VaultID(name string) string { return simkit.StableID("vault", name) }

// ProjectID returns the id of a project of an account in a region.
func ProjectID(domain, region, name string) string { return plainID("project", domain, region, name) }

// plainID is an id as the identity service has them: without dashes.
func plainID(names ...string) string {
	return strings.ReplaceAll(simkit.StableID(names...), "-", "")
}

var (
	dashed = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	plain  = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
)

// isID reports whether an id in a path is one at all.
func isID(id string) bool { return dashed.MatchString(id) || plain.MatchString(id) }
