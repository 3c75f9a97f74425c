package clouds

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/checkpoints"
)

// folders makes the places where the files are looked for, and moves the test there.
func folders(t *testing.T) (current, config, home string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the home folder is named in another way")
	}
	current, config, home = t.TempDir(), t.TempDir(), t.TempDir()
	t.Chdir(current)
	for name, value := range map[string]string{
		"XDG_CONFIG_HOME": config, "HOME": home, "OS_CLOUD": "", "OS_REGION_NAME": "",
		"OS_CLIENT_CONFIG_FILE": "", "OS_CLIENT_SECURE_FILE": "", "OS_CLIENT_VENDOR_FILE": "", "OS_AUTH_URL": "",
		"OS_CBR_ENDPOINT_OVERRIDE": "",
	} {
		t.Setenv(name, value)
	}
	return current, config, home
}

// write puts a file with a cloud whose user tells where it stood.
func write(t *testing.T, user string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	text := "clouds: {a: {auth: {auth_url: 'https://iam.example.com', user_id: " + user + ", password: pw, project_id: p}}}\n"
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
}

func TestWhereTheFilesAreLookedFor(t *testing.T) {
	current, config, home := folders(t)
	user := func() string {
		s, err := lookUp("a", "")
		require.NoError(t, err)
		return s.UserID
	}
	_, err := lookUp("a", "")
	require.ErrorIs(t, err, ErrNoCloud)

	write(t, "of-home", home, ".config", "openstack", "clouds.yaml")
	_, err = lookUp("a", "")
	require.ErrorIs(t, err, ErrNoCloud, "XDG_CONFIG_HOME names another folder")
	t.Setenv("XDG_CONFIG_HOME", "")
	assert.Equal(t, "of-home", user())
	t.Setenv("XDG_CONFIG_HOME", config)
	write(t, "of-config-yml", config, "openstack", "clouds.yml")
	assert.Equal(t, "of-config-yml", user())
	write(t, "of-config", config, "openstack", "clouds.yaml")
	assert.Equal(t, "of-config", user())
	write(t, "of-here", current, "clouds.yaml")
	assert.Equal(t, "of-here", user())
	write(t, "of-variable", current, "deep", "my.yaml")
	t.Setenv("OS_CLIENT_CONFIG_FILE", filepath.Join(current, "deep", "my.yaml"))
	assert.Equal(t, "of-variable", user())
	write(t, "of-secrets", config, "openstack", "secure.yaml")
	assert.Equal(t, "of-secrets", user())
	t.Setenv("OS_CLIENT_SECURE_FILE", current)
	_, err = lookUp("a", "")
	require.Error(t, err, "a folder cannot be read as a file")
}

func TestClients(t *testing.T) {
	current, _, _ := folders(t)
	write(t, "u1", current, "clouds.yaml")
	client, err := NewClient("a")
	require.NoError(t, err)
	require.NoError(t, client.Close(t.Context()))
	_, err = NewClient("b")
	require.ErrorIs(t, err, ErrNoCloud)
	require.ErrorContains(t, err, "clouds: ")

	_, err = FromEnv()
	require.ErrorIs(t, err, checkpoints.ErrNoCloud, "without OS_CLOUD it is the environment alone")
	_, err = SettingsFromEnv()
	require.ErrorIs(t, err, checkpoints.ErrNoCloud)
	_, err = Settings("b", "")
	require.ErrorIs(t, err, ErrNoCloud)
	require.ErrorContains(t, err, "clouds: ")
	there, err := Settings("a", "north")
	require.NoError(t, err)
	assert.Equal(t, "north", there.Region)
	t.Setenv("OS_CLOUD", "a")
	t.Setenv("OS_REGION_NAME", "south")
	here, err := SettingsFromEnv()
	require.NoError(t, err)
	there.Region = "south"
	assert.Equal(t, there, here)
	client, err = FromEnv()
	require.NoError(t, err)
	require.NoError(t, client.Close(t.Context()))
	_, err = checkpoints.FromEnv()
	require.ErrorIs(t, err, checkpoints.ErrCloudsFile)
}
