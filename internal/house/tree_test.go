package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/drkit-go/drkit"

// checkout is the root of the module, seen from the folder in which go test runs these tests.
const checkout = "../.."

// services are the folders of the clients.
var services = []string{"vcav", "replication/vsphere", "replication/unitrends", "checkpoints", "cloudreplica"}

// A source is one Go file of the tree.
type source struct {
	path   string // from the root, with slashes
	dir    string // likewise; empty for the root itself
	module string // folder of the module that holds it; empty for drkit itself
	text   string
	syntax *ast.File
	fset   *token.FileSet
}

func (s source) isTest() bool      { return strings.HasSuffix(s.path, "_test.go") }
func (s source) isGenerated() bool { return ast.IsGenerated(s.syntax) }

// isTool reports whether the file belongs to a module that only builds or measures drkit: nobody links it.
func (s source) isTool() bool { return within(s.dir, "internal/tools", "internal/bench") }

// at returns where a node stands, as a compiler would print it.
func (s source) at(node ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(node.Pos()).Line)
}

// imports returns the paths that the file imports.
func (s source) imports() []string {
	paths := make([]string, 0, len(s.syntax.Imports))
	for _, spec := range s.syntax.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, "`\""))
	}
	return paths
}

// importNames returns the imported paths by the names that the file knows them by.
func (s source) importNames() map[string]string {
	names := map[string]string{}
	for i, imported := range s.imports() {
		name := path.Base(imported)
		if given := s.syntax.Imports[i].Name; given != nil {
			name = given.Name
		}
		names[name] = imported
	}
	return names
}

// within reports whether dir is one of the folders or lies below one.
func within(dir string, folders ...string) bool {
	for _, folder := range folders {
		if dir == folder || strings.HasPrefix(dir, folder+"/") {
			return true
		}
	}
	return false
}

// goFiles returns every Go file of the tree, those of nested modules included.
func goFiles(t *testing.T) []source {
	t.Helper()
	files, err := readTree()
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

var readTree = sync.OnceValues(func() ([]source, error) {
	var files []source
	err := walk(func(name string, entry fs.DirEntry) error {
		if entry.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(checkout, name))
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		syntax, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := strings.TrimPrefix(path.Dir(name), ".")
		files = append(files, source{name, dir, moduleOf(dir), string(text), syntax, fset})
		return nil
	})
	return files, err
})

// walk visits the tree without folders that begin with a dot and without test data.
func walk(visit func(name string, entry fs.DirEntry) error) error {
	return fs.WalkDir(os.DirFS(checkout), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "."
		if entry.IsDir() && (hidden || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		return visit(name, entry)
	})
}

// moduleOf returns the nearest folder at or above dir with a go.mod, or nothing where that is the root.
func moduleOf(dir string) string {
	for ; dir != "" && dir != "."; dir = path.Dir(dir) {
		if _, err := os.Stat(filepath.Join(checkout, dir, "go.mod")); err == nil {
			return dir
		}
	}
	return ""
}
