package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A file is written whole or stays what it was, with its mode; a link stays one, and nothing else is left in the folder.
func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name, link := filepath.Join(dir, "report"), filepath.Join(dir, "link")
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
	}
	is := func(want string) {
		t.Helper()
		if data, err := os.ReadFile(name); err != nil || string(data) != want {
			t.Errorf("the file has %q, error %v, want %q", data, err, want)
		}
	}
	if err := writeFile(name, text("one")); err != nil {
		t.Fatal(err)
	}
	is("one")
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(name, text("two")); err != nil {
		t.Fatal(err)
	}
	is("two")
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	broken := errors.New("broken")
	if err := writeFile(name, func(w io.Writer) error { _, _ = io.WriteString(w, "half"); return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	is("two")
	if err := os.Symlink(name, link); err != nil {
		t.Skip(err)
	}
	if err := writeFile(link, text("three")); err != nil {
		t.Fatal(err)
	}
	is("three")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, error %v", info.Mode(), err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 2 {
		t.Errorf("there are %v", files)
	}
	if err := writeFile(filepath.Join(dir, "none", "report"), text("x")); err == nil {
		t.Error("a file in no folder is written")
	}
}
