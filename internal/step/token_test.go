package step_test

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/step"
)

func token() step.Token {
	return step.Token{
		Service: "vcav", Appliance: "0d1f7a0e-0000-4000-8000-0000000000aa", Site: "south", Operation: "VMReplications.Failover",
		OperationID: "op-1", Task: "77f2c0e8-0000-4000-8000-0000000000bb", User: "root@System",
	}
}

// encoded is a token with other members than String would write.
func encoded(members string) string {
	return "drkit.1." + base64.RawURLEncoding.EncodeToString([]byte(members))
}

func TestTokenIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	plain := regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	for name, change := range map[string]func(*step.Token){
		"all members":     func(*step.Token) {},
		"no site":         func(t *step.Token) { t.Site = "" },
		"no operation id": func(t *step.Token) { t.OperationID = "" },
		"any text": func(t *step.Token) {
			t.Task, t.User, t.Site = "a/b?c=d&<e>\n\x00\u2028", `Müller "\ 東京`, " "
		},
		"long": func(t *step.Token) { t.Task = strings.Repeat("x", 100_000) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := token()
			change(&want)
			text := want.String()
			assert.Regexp(t, plain, text)
			wrapped := text[:20] + "\r\n" + text[20:] // by a mail, for example
			for _, text := range []string{text, " \n" + text + "\t", wrapped} {
				got, err := step.ParseToken(text)
				require.NoError(t, err)
				assert.Equal(t, want, got)
			}
		})
	}
}

// Tokens that were given out stay good: this is one of version 1.
func TestTokenOfVersion1(t *testing.T) {
	t.Parallel()
	const text = "drkit.1.eyJzZXJ2aWNlIjoidmNhdiIsImFwcGxpYW5jZSI6IjBkMWY3YTBlLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDBhYSIsInNpdGUiOi" +
		"Jzb3V0aCIsIm9wZXJhdGlvbiI6IlZNUmVwbGljYXRpb25zLkZhaWxvdmVyIiwib3BlcmF0aW9uSWQiOiJvcC0xIiwidGFzayI6Ijc3ZjJjMGU4" +
		"LTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDBiYiIsInVzZXIiOiJyb290QFN5c3RlbSJ9"
	assert.Equal(t, text, token().String())
	got, err := step.ParseToken(text)
	require.NoError(t, err)
	assert.Equal(t, token(), got)
}

func TestTokenThatIsNone(t *testing.T) {
	t.Parallel()
	text := token().String()
	const members = `{"service":"vcav","appliance":"a","operation":"o","task":"t","user":"u"}`
	_, err := step.ParseToken(encoded(members))
	require.NoError(t, err)
	for name, tc := range map[string]struct{ text, want string }{
		"empty":               {"", "not a resume token of drkit"},
		"a task id":           {token().Task, "not a resume token of drkit"},
		"in capitals":         {strings.ToUpper(text), "not a resume token of drkit"},
		"of a later version":  {strings.Replace(text, ".1.", ".2.", 1), "of another version of drkit"},
		"of version 10":       {strings.Replace(text, ".1.", ".10.", 1), "of another version of drkit"},
		"of no version":       {strings.Replace(text, "1.", "", 1), "of another version of drkit"},
		"cut in the text":     {text[:len(text)-10], "damaged"},
		"cut by one":          {text[:len(text)-1], "damaged"},
		"cut to its version":  {text[:len("drkit.1.")], "damaged"},
		"broken by a blank":   {text[:40] + " " + text[40:], "not base64"},
		"padded":              {text + "==", "not base64"},
		"with more behind":    {text + "AAAA", "damaged"},
		"other alphabet":      {"drkit.1.+/+/", "not base64"},
		"two":                 {text + text, "not base64"},
		"null":                {encoded("null"), "it has no service"},
		"a list":              {encoded("[]"), "its members cannot be read"},
		"a number for a text": {encoded(strings.Replace(members, `"t"`, "7", 1)), "its members cannot be read"},
		"more behind the end": {encoded(members + "}"), "its members cannot be read"},
		"two objects":         {encoded(members + members), "its members cannot be read"},
		"a member of others":  {encoded(strings.Replace(members, "{", `{"password":"x",`, 1)), "its members cannot be read"},
		"no service":          {encoded(strings.Replace(members, `"vcav"`, `""`, 1)), "it has no service"},
		"no appliance":        {encoded(strings.Replace(members, `"a"`, `""`, 1)), "it has no appliance"},
		"no operation":        {encoded(strings.Replace(members, `"o"`, `null`, 1)), "it has no operation"},
		"no task":             {encoded(strings.Replace(members, `,"task":"t"`, ``, 1)), "it has no task"},
		"no user":             {encoded(strings.Replace(members, `,"user":"u"`, ``, 1)), "it has no user"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := step.ParseToken(tc.text)
			require.ErrorContains(t, err, tc.want)
			assert.NotContains(t, err.Error(), "\n")
			assert.Empty(t, got)
		})
	}
}

// FuzzToken checks that whatever is read can be written and read again, and that nothing makes it panic.
func FuzzToken(f *testing.F) {
	f.Add(token().String())
	f.Add(step.Token{Service: "vcav", Appliance: "a", Operation: "o", Task: "\xff", User: "u"}.String())
	f.Add(encoded(`{"SERVICE":"vcav","appliance":"a","operation":"o","task":"t","user":"u","user":"v"}`))
	f.Add("drkit.1.")
	f.Add("drkit.2.e30")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := step.ParseToken(text)
		if err != nil {
			assert.Empty(t, got)
			assert.NotContains(t, err.Error(), "\n")
			return
		}
		again, err := step.ParseToken(got.String())
		require.NoError(t, err)
		assert.Equal(t, got, again)
	})
}
