package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// writeFile writes a file whole or not at all: who reads it meanwhile, or after a failure such as a full disk, reads what it
// was. A link stays one. What is no plain file, such as a pipe, and one whose folder takes no other, is written in its place.
func writeFile(name string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	if isPlain(name) {
		to, err := filepath.EvalSymlinks(name)
		if err != nil {
			to = name // which is yet to be made
		}
		if done, err := replace(to, b.Bytes(), mode); done || err != nil {
			var path *fs.PathError
			if errors.As(err, &path) {
				err = fmt.Errorf("%s %s: %w", path.Op, name, path.Err)
			}
			return err
		}
	}
	return os.WriteFile(name, b.Bytes(), 0o666) //nolint:gosec // as the umask has it
}

// errNotEnded stands in a report until there is a better one: who kills a command leaves no report of an earlier run.
var errNotEnded = errors.New("the run has not ended: it goes on, or was killed")

// writeWhy writes a report of why there is none. A pipe is spared the one that another is to take the place of.
func writeWhy(name string, why error, write func(io.Writer) error) error {
	if info, err := os.Stat(name); errors.Is(why, errNotEnded) && err == nil && !isPlain(name) && !info.IsDir() {
		return nil
	}
	return writeFile(name, write)
}

// isPlain reports whether a file, or the one that a link leads to, is a plain one or is yet to be made. What this process
// writes to, as by /dev/stdout, is none.
func isPlain(name string) bool {
	info, err := os.Stat(name)
	if err != nil {
		_, err = os.Lstat(name)
		return errors.Is(err, fs.ErrNotExist)
	}
	ours := func(f *os.File) bool {
		open, err := f.Stat()
		return err == nil && os.SameFile(info, open)
	}
	return info.Mode().IsRegular() && !slices.ContainsFunc([]*os.File{os.Stdout, os.Stderr}, ours)
}

// replace puts a new file in the place of another. It reports whether it did; where it did not and there is no error, the
// folder takes no other file.
func replace(name string, data []byte, mode os.FileMode) (bool, error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			return false, err
		}
		return false, nil
	}
	_, err = f.Write(data)
	if failed := f.Close(); err == nil {
		err = failed
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return false, err
	}
	err = os.Chmod(f.Name(), mode)
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err == nil, nil
}
