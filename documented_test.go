package drkit_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// calledByOthers are the methods that users do not call themselves: fmt, errors, slog, encoding/json,
// go-querystring, the constructor of a client and a download do.
var calledByOthers = []string{
	"Error", "Is", "Unwrap", "LogValue", "String", "GoString", "Format", "MarshalText", "UnmarshalText", "MarshalJSON",
	"UnmarshalJSON", "EncodeValues", "Apply", "ApplyDownload",
}

// Every exported name has an Example that runs:
//   - a function, ExampleF;
//   - a type, ExampleT (one of a method or a constructor does not count);
//   - a method, ExampleT_M, or a call of M in an Example of T, of its constructors or of its methods; those
//     that others call for the user need none;
//   - a constant or variable, some Example that spells it.
func TestEveryExportedNameHasAnExample(t *testing.T) {
	t.Parallel()
	assert.Empty(t, withoutExample(t, readPackage(t)))
}

func readPackage(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	files := map[string]string{}
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".go") {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			files[name] = string(data)
		}
	}
	return files
}

// withoutExample returns what is missing in the files of one package and its tests.
func withoutExample(t *testing.T, files map[string]string) []string {
	t.Helper()
	fset := token.NewFileSet()
	var parsed []*ast.File
	for name, text := range files {
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		parsed = append(parsed, file)
	}
	pkg, err := doc.NewFromFiles(fset, parsed, "example.com/pkg")
	require.NoError(t, err)

	examples := gather(pkg)
	var missing []string
	for name, example := range examples.byName {
		if example.Output == "" && !example.EmptyOutput {
			missing = append(missing, "Output of Example"+name)
		}
	}
	need := func(name string) {
		if examples.byName[name] == nil {
			missing = append(missing, "Example"+name)
		}
	}
	values := append(slices.Clone(pkg.Consts), pkg.Vars...)
	for _, f := range pkg.Funcs {
		need(f.Name)
	}
	for _, typ := range pkg.Types {
		need(typ.Name)
		for _, f := range typ.Funcs {
			need(f.Name)
		}
		for _, m := range typ.Methods {
			if !slices.Contains(calledByOthers, m.Name) && !examples.calls(typ, m.Name) {
				missing = append(missing, "Example"+typ.Name+"_"+m.Name)
			}
		}
		values = append(append(values, typ.Consts...), typ.Vars...)
	}
	for _, value := range values {
		for _, name := range value.Names {
			if token.IsExported(name) && !examples.spelled[name] {
				missing = append(missing, "an Example with "+name)
			}
		}
	}
	slices.Sort(missing)
	return missing
}

// examples are the Examples of a package, by the names that they have after "Example".
type examples struct {
	byName   map[string]*doc.Example
	spelled  map[string]bool            // selectors in all of them
	selected map[string]map[string]bool // selectors by name of the Example
}

func gather(pkg *doc.Package) examples {
	all := examples{map[string]*doc.Example{}, map[string]bool{}, map[string]map[string]bool{}}
	add := func(list []*doc.Example, name string) {
		for _, example := range list {
			all.byName[strings.TrimSuffix(name+"_"+example.Suffix, "_")] = example
			if all.selected[name] == nil {
				all.selected[name] = map[string]bool{}
			}
			ast.Inspect(example.Code, func(node ast.Node) bool {
				if selector, ok := node.(*ast.SelectorExpr); ok {
					all.selected[name][selector.Sel.Name] = true
					all.spelled[selector.Sel.Name] = true
				}
				return true
			})
		}
	}
	add(pkg.Examples, "")
	for _, f := range pkg.Funcs {
		add(f.Examples, f.Name)
	}
	for _, typ := range pkg.Types {
		add(typ.Examples, typ.Name)
		for _, f := range typ.Funcs {
			add(f.Examples, f.Name)
		}
		for _, m := range typ.Methods {
			add(m.Examples, typ.Name+"_"+m.Name)
		}
	}
	return all
}

// calls reports whether a method has an Example of its own or is called in one of its type.
func (e examples) calls(typ *doc.Type, method string) bool {
	names := []string{typ.Name}
	for _, f := range typ.Funcs {
		names = append(names, f.Name)
	}
	for _, m := range typ.Methods {
		names = append(names, typ.Name+"_"+m.Name)
	}
	own := typ.Name + "_" + method
	return e.selected[own] != nil || slices.ContainsFunc(names, func(name string) bool { return e.selected[name][method] })
}

func TestMissingExamplesAreFound(t *testing.T) {
	t.Parallel()
	missing := withoutExample(t, map[string]string{
		"pkg.go": `package pkg
var ErrShown, ErrUnseen, errOwn error
func Shown() {}
func Unseen() {}
func own() {}
type Shelf[T any] struct{}
func NewShelf() Shelf[int] { return Shelf[int]{} }
func OldShelf() Shelf[int] { return Shelf[int]{} }
func (Shelf[T]) Used() {}
func (Shelf[T]) Alone() {}
func (Shelf[T]) Unseen() {}
func (Shelf[T]) String() string { return "" }
type Mute int
const Low Mute = 1
func (Mute) Loud() {}
`,
		"example_test.go": `package pkg_test
func ExampleShown() {
	_ = pkg.ErrShown
	// Output:
}
func ExampleShelf() {
	s.Used()
	// Output: x
}
func ExampleShelf_Alone() {
	// Output: x
}
func ExampleNewShelf() {
	m.Loud()
}
`,
	})
	assert.Equal(t, []string{
		"ExampleMute", "ExampleMute_Loud", "ExampleOldShelf", "ExampleShelf_Unseen", "ExampleUnseen",
		"Output of ExampleNewShelf", "an Example with ErrUnseen", "an Example with Low",
	}, missing)
}
