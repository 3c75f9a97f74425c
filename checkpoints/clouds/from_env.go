package clouds

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// FromEnv returns a client for the cloud that OS_CLOUD names, as clouds.yaml describes it, with options after that.
// OS_REGION_NAME picks one of its regions. Without OS_CLOUD it is [checkpoints.FromEnv].
//
// Errors: those of [NewClient] and [checkpoints.FromEnv].
func FromEnv(options ...drkit.Option) (*checkpoints.Client, error) {
	settings, err := SettingsFromEnv()
	if err != nil {
		return nil, err
	}
	return settings.NewClient(options...)
}

// SettingsFromEnv returns what [FromEnv] makes a client of, for programs that need a second one which differs in its
// region and project.
//
// Errors: those of [Settings] and [checkpoints.SettingsFromEnv].
func SettingsFromEnv() (checkpoints.Settings, error) {
	name := os.Getenv("OS_CLOUD")
	if name == "" {
		return checkpoints.SettingsFromEnv()
	}
	return Settings(name, os.Getenv("OS_REGION_NAME"))
}

// NewClient returns a client for the cloud of a name, as clouds.yaml describes it, with options after that. Of a cloud
// with several regions it takes the one that the file names, or else the first: [Settings] takes any.
//
// Errors: [ErrNoCloud]; a file that cannot be read; those of [checkpoints.Settings.NewClient].
func NewClient(name string, options ...drkit.Option) (*checkpoints.Client, error) {
	settings, err := Settings(name, "")
	if err != nil {
		return nil, err
	}
	return settings.NewClient(options...)
}

// Settings returns what clouds.yaml says of a cloud in one of its regions; the empty region is the one that
// [NewClient] takes. A client of another project, as of the region that backups are copied to, is one of the same
// settings with that project.
//
// Errors: [ErrNoCloud]; a region that is not one of those that the file lists; a file that cannot be read.
func Settings(name, region string) (checkpoints.Settings, error) {
	settings, err := lookUp(name, region)
	if err != nil {
		return checkpoints.Settings{}, fmt.Errorf("clouds: %w", err)
	}
	return settings, nil
}

// lookUp reads the files and returns what they say of a cloud.
func lookUp(name, region string) (checkpoints.Settings, error) {
	var found files
	for _, file := range []struct {
		name, variable string
		text           *[]byte
	}{
		{"clouds.yaml", "OS_CLIENT_CONFIG_FILE", &found.clouds},
		{"secure.yaml", "OS_CLIENT_SECURE_FILE", &found.secure},
		{"clouds-public.yaml", "OS_CLIENT_VENDOR_FILE", &found.public},
	} {
		text, err := readFirst(candidates(file.name, os.Getenv(file.variable)))
		if err != nil {
			return checkpoints.Settings{}, err
		}
		*file.text = text
	}
	return found.settings(name, region)
}

// candidates returns where a file may be, the best first.
func candidates(name, named string) []string {
	var paths []string
	if named != "" {
		paths = append(paths, named)
	}
	folders := []string{"."}
	if own := os.Getenv("XDG_CONFIG_HOME"); own != "" {
		folders = append(folders, filepath.Join(own, "openstack"))
	} else if home, err := os.UserHomeDir(); err == nil {
		folders = append(folders, filepath.Join(home, ".config", "openstack"))
	}
	for _, folder := range append(folders, "/etc/openstack") {
		path := filepath.Join(folder, name)
		paths = append(paths, path, path[:len(path)-len("yaml")]+"yml")
	}
	return paths
}

// readFirst returns the first file that is there, and nothing if none is.
func readFirst(paths []string) ([]byte, error) {
	for _, path := range paths {
		text, err := os.ReadFile(path) //nolint:gosec // the user's own configuration
		if err == nil {
			return text, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, nil
}
