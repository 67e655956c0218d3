package dingmock_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoVariableIsExported holds that no importer can change what all others see: the one kind of variable that a package
// shows is an error to compare with.
func TestNoVariableIsExported(t *testing.T) {
	t.Parallel()
	public := 0
	for pkg := range imports(t) {
		if strings.Contains("/"+pkg+"/", "/internal/") {
			continue
		}
		public++
		files, err := filepath.Glob(filepath.Join(filepath.FromSlash(pkg), "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				group, ok := decl.(*ast.GenDecl)
				if !ok || group.Tok != token.VAR {
					continue
				}
				for _, spec := range group.Specs {
					for _, x := range spec.(*ast.ValueSpec).Names {
						if x.IsExported() && !strings.HasPrefix(x.Name, "Err") {
							t.Errorf("%s: the variable %s is exported: make it a function", set.Position(x.Pos()), x.Name)
						}
					}
				}
			}
		}
	}
	if public < 10 {
		t.Fatalf("only %d packages are looked at", public)
	}
}
