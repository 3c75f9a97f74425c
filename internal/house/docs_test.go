package house

import (
	"go/ast"
	"go/token"
	"path"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEveryPackageHasItsDocInDocGo(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{} // by folder
	for _, file := range goFiles(t) {
		if file.isTest() {
			continue
		}
		// A program is one file with its doc at the top.
		inPlace := path.Base(file.path) == "doc.go" || file.syntax.Name.Name == "main"
		documented[file.dir] = documented[file.dir] || inPlace && file.syntax.Doc != nil
	}
	for dir, ok := range documented {
		assert.Truef(t, ok, "/%s: no package comment in doc.go", dir)
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if file.isTest() || file.isTool() || within(file.dir, "examples") || isInternal(file.dir) {
			continue
		}
		for _, name := range undocumented(file) {
			assert.Fail(t, name+" has no doc comment")
		}
	}
}

// isInternal reports whether nobody outside the module can import the folder.
func isInternal(dir string) bool {
	for ; dir != "." && dir != ""; dir = path.Dir(dir) {
		if path.Base(dir) == "internal" {
			return true
		}
	}
	return false
}

// undocumented returns where the file exports a name that no comment explains.
func undocumented(file source) []string {
	var found []string
	check := func(name *ast.Ident, comments ...*ast.CommentGroup) {
		if !name.IsExported() {
			return
		}
		for _, comment := range comments {
			if comment != nil {
				return
			}
		}
		found = append(found, file.at(name)+": "+name.Name)
	}
	for _, decl := range file.syntax.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if receiverIsExported(decl) {
				check(decl.Name, decl.Doc)
			}
		case *ast.GenDecl:
			checkSpecs(decl, check)
		}
	}
	return found
}

func checkSpecs(decl *ast.GenDecl, check func(*ast.Ident, ...*ast.CommentGroup)) {
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec: // one comment may explain a group of constants
			for _, name := range spec.Names {
				check(name, decl.Doc, spec.Doc, spec.Comment)
			}
		case *ast.TypeSpec:
			check(spec.Name, spec.Doc, ifAlone(decl))
			if spec.Name.IsExported() {
				checkMembers(spec.Type, check)
			}
		}
	}
}

// checkMembers checks the fields of a struct and the methods of an interface. Two kinds explain themselves:
// a field that is named as its type, and the only method of an interface.
func checkMembers(expr ast.Expr, check func(*ast.Ident, ...*ast.CommentGroup)) {
	switch expr := expr.(type) {
	case *ast.StructType:
		for _, field := range expr.Fields.List {
			for _, name := range field.Names {
				if typed, ok := field.Type.(*ast.Ident); !ok || typed.Name != name.Name {
					check(name, field.Doc, field.Comment)
				}
			}
		}
	case *ast.InterfaceType:
		if expr.Methods.NumFields() == 1 {
			return
		}
		for _, method := range expr.Methods.List {
			for _, name := range method.Names {
				check(name, method.Doc, method.Comment)
			}
		}
	}
}

func ifAlone(decl *ast.GenDecl) *ast.CommentGroup {
	if decl.Lparen == token.NoPos {
		return decl.Doc
	}
	return nil
}

func receiverIsExported(decl *ast.FuncDecl) bool {
	if decl.Recv == nil {
		return true
	}
	expr := decl.Recv.List[0].Type
	for {
		switch inner := expr.(type) {
		case *ast.StarExpr:
			expr = inner.X
		case *ast.IndexExpr:
			expr = inner.X
		case *ast.IndexListExpr:
			expr = inner.X
		case *ast.Ident:
			return inner.IsExported()
		default:
			return true
		}
	}
}
