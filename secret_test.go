package drkit_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-querystring/query"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

const (
	password = "S3cr3t\n<&>Plüghxyz"
	redacted = "[redacted]"
)

// assertNoSecret checks that text holds no part of the password worth stealing, in any of the forms in
// which fmt writes text.
func assertNoSecret(t *testing.T, text string, what ...any) {
	t.Helper()
	const part = "S3cr"
	bare := strings.NewReplacer(" ", "", "0x", "", "0X", "", ",", "", "\\u00", "").Replace(text)
	for _, form := range []string{part, "ghxyz", hex.EncodeToString([]byte(part)), base64.StdEncoding.EncodeToString([]byte(password))[:5]} {
		assert.NotContains(t, strings.ToLower(bare), strings.ToLower(form), what...)
	}
	var decimals, binary, octal []string
	for _, b := range []byte(part) {
		decimals = append(decimals, fmt.Sprint(b))
		binary = append(binary, fmt.Sprintf("%b", b))
		octal = append(octal, fmt.Sprintf("%o", b))
	}
	for _, digits := range [][]string{decimals, binary, octal} {
		assert.NotContains(t, text, strings.Join(digits, " "), what...)
	}
}

type withSecrets struct {
	User     string
	Password drkit.Secret
	hidden   drkit.Secret
	Pointer  *drkit.Secret
	pointer  *drkit.Secret
	Many     []drkit.Secret
	many     []drkit.Secret
	Array    [1]drkit.Secret
	ByName   map[string]drkit.Secret
	byName   map[string]drkit.Secret
	ByToken  map[drkit.Secret]string
	byToken  map[drkit.Secret]string
	Any      any
	any      any
	Optional drkit.Opt[drkit.Secret]
	optional drkit.Opt[drkit.Secret]
	Nested   struct{ Deeper *withSecrets }
	lookup   func() drkit.Secret
}

func newWithSecrets(secret drkit.Secret) *withSecrets {
	list, byName, byToken := []drkit.Secret{secret}, map[string]drkit.Secret{"a": secret}, map[drkit.Secret]string{secret: "b"}
	all := &withSecrets{
		User: "root", Password: secret, hidden: secret, Pointer: &secret, pointer: &secret, Many: list, many: list,
		Array: [1]drkit.Secret{secret}, ByName: byName, byName: byName, ByToken: byToken, byToken: byToken,
		Any: secret, any: &secret, Optional: drkit.Some(secret), optional: drkit.Some(secret),
		lookup: func() drkit.Secret { return secret },
	}
	inner := *all
	all.Nested.Deeper = &inner
	return all
}

// verbs are all that fmt knows, some that it does not, and flags that change how they print.
func verbs() []string {
	var all []string
	for _, flags := range []string{"", "+", "-", "#", " ", "0", "+#", "# ", "40", ".4", "-40.4", "[1]", "#[1]"} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspwzy!" {
			all = append(all, "%"+flags+string(verb))
		}
	}
	return all
}

func TestSecretInEveryVerb(t *testing.T) {
	t.Parallel()
	secret := drkit.NewSecret(password)
	holder := newWithSecrets(secret)
	for _, verb := range verbs() {
		for _, value := range []any{
			secret, &secret, holder, *holder,
			[]drkit.Secret{secret},
			[]any{secret, &secret},
			[2]drkit.Secret{secret},
			map[string]drkit.Secret{"a": secret},
			map[drkit.Secret]drkit.Secret{secret: secret},
			struct{ drkit.Secret }{secret},
			struct{ secret drkit.Secret }{secret},
			struct{ secret **drkit.Secret }{&holder.pointer},
			drkit.Some(secret), drkit.Some(holder),
			drkit.Outcome[drkit.Secret]{Result: secret},
		} {
			assertNoSecret(t, fmt.Sprintf(verb, value), "%s of %T", verb, value)
		}
		if !strings.ContainsAny(verb, "Tpw!") { // which fmt answers by itself
			assert.Equal(t, redacted, fmt.Sprintf(verb, secret), verb)
			assert.Equal(t, redacted, fmt.Sprintf(verb, &secret), verb)
			assert.Equal(t, redacted, fmt.Sprintf(verb, drkit.Secret{}), verb)
		}
	}
}

type response struct{ Password drkit.Secret }

func TestSecretInOtherTexts(t *testing.T) {
	t.Parallel()
	secret := drkit.NewSecret(password)
	holder := newWithSecrets(secret)
	var page bytes.Buffer
	require.NoError(t, template.Must(template.New("").Parse(`{{.Password}} {{.Many}} {{printf "%q" .Pointer}}`)).Execute(&page, holder))
	asXML, err := xml.Marshal(response{Password: secret})
	require.NoError(t, err)
	for _, text := range []string{
		secret.String(), secret.GoString(), fmt.Sprint(secret), fmt.Sprintln("password", secret), fmt.Sprint(holder),
		fmt.Errorf("sign in with %v: %w", secret, errors.New("refused")).Error(), page.String(), string(asXML),
	} {
		assertNoSecret(t, text)
		assert.Contains(t, text, redacted)
	}
	values, err := query.Values(struct {
		Password drkit.Secret            `url:"password"`
		Optional drkit.Opt[drkit.Secret] `url:"optional"`
	}{secret, drkit.Some(secret)})
	require.NoError(t, err)
	assertNoSecret(t, values.Encode())
}

func TestSecretInJSON(t *testing.T) {
	t.Parallel()
	secret := drkit.NewSecret(password)
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"value":    {secret, `"[redacted]"`},
		"pointer":  {&secret, `"[redacted]"`},
		"zero":     {drkit.Secret{}, `"[redacted]"`},
		"list":     {[]drkit.Secret{secret}, `["[redacted]"]`},
		"map":      {map[string]drkit.Secret{"a": secret}, `{"a":"[redacted]"}`},
		"map key":  {map[drkit.Secret]int{secret: 1}, `{"[redacted]":1}`},
		"optional": {drkit.Some(secret), `"[redacted]"`},
		"embedded": {struct{ drkit.Secret }{secret}, `"[redacted]"`},
		"members": {struct {
			Password drkit.Secret
			None     drkit.Secret `json:"none,omitzero"`
			hidden   drkit.Secret
		}{Password: secret, hidden: secret}, `{"Password":"[redacted]"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(tc.value)
			require.NoError(t, err)
			assert.JSONEq(t, tc.want, string(data))
			assertNoSecret(t, string(data))
		})
	}
	holder := newWithSecrets(secret)
	data, err := json.Marshal(holder)
	require.NoError(t, err)
	assertNoSecret(t, string(data))
}

func TestSecretInLogs(t *testing.T) {
	t.Parallel()
	secret := drkit.NewSecret(password)
	holder := newWithSecrets(secret)
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"JSON": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, value := range []any{
				secret, &secret,
				[]drkit.Secret{secret},
				map[string]drkit.Secret{"a": secret},
				holder, *holder,
				slog.GroupValue(slog.Any("inner", secret)), drkit.Some(secret),
				[]any{secret},
				struct{ Password drkit.Secret }{secret},
			} {
				var record bytes.Buffer
				slog.New(handler(&record)).With("before", value).WithGroup("group").Info("signing in", "password", value)
				assertNoSecret(t, record.String(), "%T", value)
				assert.Contains(t, record.String(), redacted, "%T", value)
			}
		})
	}
}

func TestSecretReveals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		secret drkit.Secret
		want   string
	}{
		"value": {drkit.NewSecret(password), password},
		"empty": {drkit.NewSecret(""), ""},
		"zero":  {drkit.Secret{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.want, tc.secret.Reveal())
			assert.Equal(t, tc.want == "", tc.secret.IsZero())
			copied := tc.secret
			assert.Equal(t, tc.want, copied.Reveal())
		})
	}
}
