package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A ban is a call that code does without.
type ban struct {
	name       string // import path and function; one that ends in * means all that begin so
	why        string
	inExamples bool // also there; an example is a program, which prints and ends with a status
}

var bans = []ban{
	{"fmt.Print*", "a library does not print", false},
	{"print", "a library does not print", false},
	{"println", "a library does not print", false},
	{"log.*", "records go to the logger that the user gave", false},
	{"log/slog.SetDefault", "the default logger is the user's", false},
	{"os.Exit", "the program is the user's", false},
	{"os.Getenv", "only from_env.go reads the environment", true},
	{"os.LookupEnv", "only from_env.go reads the environment", true},
	{"os.Environ", "only from_env.go reads the environment", true},
	{"time.Sleep", "a wait ends with its context", true},
	{"context.TODO", "a context comes from the caller", true},
	{"panic", "a mistake of one call does not end the user's program", true},
	{"func init", "nothing happens before the first call", true},
}

func TestCodeDoesWithoutBannedCalls(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if file.isTest() || file.isTool() {
			continue
		}
		for _, found := range bannedCalls(file) {
			assert.Fail(t, found)
		}
	}
}

// bannedCalls returns one line for every call or declaration that the file should do without.
func bannedCalls(file source) []string {
	var found []string
	imported := file.importNames()
	report := func(node ast.Node, name string) {
		if why := banned(file, name); why != "" {
			found = append(found, file.at(node)+": "+name+": "+why)
		}
	}
	ast.Inspect(file.syntax, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			if node.Recv == nil {
				report(node, "func "+node.Name.Name)
			}
		case *ast.CallExpr:
			if called, ok := node.Fun.(*ast.Ident); ok {
				report(node, called.Name)
			}
		case *ast.SelectorExpr: // also where the function is only handed on
			if owner, ok := node.X.(*ast.Ident); ok && imported[owner.Name] != "" {
				report(node, imported[owner.Name]+"."+node.Sel.Name)
			}
		}
		return true
	})
	return found
}

// banned returns why the file may not use the name, or nothing where it may.
func banned(file source, name string) string {
	readsEnvironment := path.Base(file.path) == "from_env.go" && serviceOf(file.dir) != ""
	for _, ban := range bans {
		prefix, open := strings.CutSuffix(ban.name, "*")
		switch {
		case name != ban.name && (!open || !strings.HasPrefix(name, prefix)):
		case within(file.dir, "examples") && !ban.inExamples:
		case readsEnvironment && strings.HasSuffix(ban.why, "reads the environment"):
		default:
			return ban.why
		}
	}
	return ""
}

func TestBansBite(t *testing.T) {
	t.Parallel()
	const text = `package p
import ("fmt"; "log"; "log/slog"; stdos "os"; "time")
func init() { fmt.Println(); log.Fatal(); panic(stdos.Getenv("X")) }
func f() func(time.Duration) { slog.Info("fine"); _ = fmt.Sprint(); return time.Sleep }
type g struct{}
func (g) init() {}
`
	for name, want := range map[string][]string{
		"vcav/f.go":              {"fmt.Println", "func init", "log.Fatal", "os.Getenv", "panic", "time.Sleep"},
		"vcav/from_env.go":       {"fmt.Println", "func init", "log.Fatal", "panic", "time.Sleep"},
		"examples/drill/main.go": {"func init", "os.Getenv", "panic", "time.Sleep"},
	} {
		fset := token.NewFileSet()
		syntax, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
		require.NoError(t, err)
		var names []string
		for _, found := range bannedCalls(source{path: name, dir: path.Dir(name), syntax: syntax, fset: fset}) {
			names = append(names, strings.Split(found, ": ")[1])
		}
		slices.Sort(names)
		assert.Equal(t, want, names, name)
	}
}
