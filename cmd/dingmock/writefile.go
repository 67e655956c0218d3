package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
)

// writeFile writes a file whole or not at all: who reads it meanwhile, or after a failure, reads what it was. What is no plain
// file, such as a link or a pipe, and one whose folder takes no other, is written in its place.
func writeFile(name string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	info, err := os.Lstat(name)
	if err == nil {
		mode = info.Mode().Perm()
	}
	if err == nil && !info.Mode().IsRegular() || !replace(name, b.Bytes(), mode) {
		return os.WriteFile(name, b.Bytes(), 0o666) //nolint:gosec // as the umask has it
	}
	return nil
}

// replace puts a new file in the place of another, and reports whether it could.
func replace(name string, data []byte, mode os.FileMode) bool {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return false
	}
	_, err = f.Write(data)
	if failed := f.Chmod(mode); err == nil {
		err = failed
	}
	if failed := f.Close(); err == nil {
		err = failed
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err == nil
}
