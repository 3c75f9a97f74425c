package clouds

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

const sample = `
clouds:
  otc:
    profile: otc-public
    auth:
      username: ops
      user_domain_name: OTC00000000001000000001
      project_name: eu-de_drill
    region_name: eu-de
  lab:
    auth_type: v3password
    auth: &lab
      auth_url: https://keystone.lab.example.com/v3
      username: "0123"
      password: 007
      domain_id: default
      project_id: 00e1
    regions:
      - north
      - name: south
        values:
          auth:
            auth_url: https://south.lab.example.com/v3
          cbr_endpoint_override: https://cbr.south.lab.example.com
    verify: false
  copy:
    auth:
      <<: *lab
      password: other
    interface: internal
    cacert: /etc/ssl/lab.pem
  key:
    ak: AK
    sk: SK
    cbr_endpoint_override: https://cbr.example.com
    auth: {project_id: p1}
  empty:
  text: just text
  odd: {verify: perhaps}
  cert: {cert: /my/cert.pem}
  lost: {profile: nowhere}
`

const secrets = `
clouds:
  otc: {auth: {password: tr0ub4dor}}
  text: {auth: {token: gAAAA}}
`

const public = `
public-clouds:
  otc-public:
    auth: {auth_url: "https://iam.eu-de.otc.t-systems.com/v3", username: nobody}
    region_name: eu-nl
    interface: public
`

func TestWhatTheFilesSay(t *testing.T) {
	t.Parallel()
	secret := drkit.NewSecret
	lab := checkpoints.Settings{
		AuthType: "v3password", AuthURL: "https://keystone.lab.example.com/v3", Username: "0123", Password: secret("007"),
		Domain: checkpoints.Domain{ID: "default"}, ProjectID: "00e1", Region: "north", Insecure: true,
	}
	south := lab
	south.AuthURL, south.Endpoint, south.Region = "https://south.lab.example.com/v3", "https://cbr.south.lab.example.com", "south"
	otc := checkpoints.Settings{
		AuthURL: "https://iam.eu-de.otc.t-systems.com/v3", Username: "ops", Password: secret("tr0ub4dor"),
		UserDomain: checkpoints.Domain{Name: "OTC00000000001000000001"}, ProjectName: "eu-de_drill", Region: "eu-de", Interface: "public",
	}
	elsewhere := otc
	elsewhere.Region = "eu-ch2"
	for name, tc := range map[string]struct {
		cloud, region string
		want          checkpoints.Settings
	}{
		"profile and secrets": {"otc", "", otc},
		"another region":      {"otc", "eu-ch2", elsewhere},
		"first region":        {"lab", "", lab},
		"region with values":  {"lab", "south", south},
		"merged mapping": {"copy", "", checkpoints.Settings{
			AuthURL: "https://keystone.lab.example.com/v3", Username: "0123", Password: secret("other"),
			Domain: checkpoints.Domain{ID: "default"}, ProjectID: "00e1", Interface: "internal", CACert: "/etc/ssl/lab.pem",
		}},
		"key": {"key", "", checkpoints.Settings{AccessKey: "AK", SecretKey: secret("SK"), Endpoint: "https://cbr.example.com", ProjectID: "p1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := files{[]byte(sample), []byte(secrets), []byte(public)}
			got, err := f.settings(tc.cloud, tc.region)
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestFilesThatDoNotDo(t *testing.T) {
	t.Parallel()
	good := files{[]byte(sample), []byte(secrets), []byte(public)}
	with := func(change func(*files)) files {
		f := good
		change(&f)
		return f
	}
	for name, tc := range map[string]struct {
		files         files
		cloud, region string
		want          string
		is            error
	}{
		"no files":          {files{}, "otc", "", `no such cloud: "otc"`, ErrNoCloud},
		"no such cloud":     {good, "nowhere", "", `no such cloud: "nowhere"`, ErrNoCloud},
		"empty cloud":       {good, "empty", "", "no such cloud", ErrNoCloud},
		"text for a cloud":  {good, "text", "", "no such cloud", ErrNoCloud},
		"no profile":        {good, "lost", "", `profile "nowhere" is not in clouds-public.yaml`, ErrNoCloud},
		"no public file":    {with(func(f *files) { f.public = nil }), "otc", "", `profile "otc-public" is not in`, ErrNoCloud},
		"no such region":    {good, "lab", "west", `cloud "lab": "west" is not one of its regions`, nil},
		"odd truth":         {good, "odd", "", "verify: \"perhaps\" is neither true nor false", nil},
		"not supported":     {good, "cert", "", "cert is not supported", nil},
		"no YAML":           {with(func(f *files) { f.clouds = []byte("clouds:\n  a: [") }), "otc", "", "clouds.yaml", nil},
		"no YAML in secret": {with(func(f *files) { f.secure = []byte("clouds:\n  otc: tr0ub4dor: x") }), "otc", "", "secure.yaml", nil},
		"no mapping":        {with(func(f *files) { f.clouds = []byte("- tr0ub4dor") }), "otc", "", "no such cloud", ErrNoCloud},
		"in a circle":       {with(func(f *files) { f.clouds = []byte("clouds: {otc: &a {auth: *a}}") }), "otc", "", "clouds.yaml has aliases that mean too much", nil},
		"too many aliases":  {with(func(f *files) { f.clouds = []byte(laughs()) }), "otc", "", "clouds.yaml", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tc.files.settings(tc.cloud, tc.region)
			require.ErrorContains(t, err, tc.want)
			assert.NotContains(t, err.Error(), "tr0ub4dor", "what stands in these files may be a secret")
			assert.NotContains(t, err.Error(), "\n")
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
			}
		})
	}
}

// laughs is a small text that means a very large one.
func laughs() string {
	var text strings.Builder
	text.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := range 9 {
		was, is := string(rune('0'+i)), string(rune('1'+i))
		text.WriteString("a" + is + ": &a" + is + " [" + strings.Repeat("*a"+was+",", 9) + "*a" + was + "]\n")
	}
	return text.String()
}

// Whatever stands in the files, they are read or refused in one line.
func FuzzFiles(f *testing.F) {
	f.Add(sample, secrets, public, "otc", "")
	f.Add("clouds: {a: {regions: [x, {name: y, values: {auth: z}}]}}", "", "", "a", "y")
	f.Add("clouds: {a: &a {auth: *a}}", "clouds: [", "public-clouds: 1", "a", "")
	f.Fuzz(func(t *testing.T, text, secure, public, name, region string) {
		_, err := files{[]byte(text), []byte(secure), []byte(public)}.settings(name, region)
		if err != nil && !errors.Is(err, ErrNoCloud) {
			assert.NotContains(t, err.Error(), "\n")
		}
	})
}
