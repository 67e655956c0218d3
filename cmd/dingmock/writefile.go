package main

import (
	"bytes"
	"crypto/rand"
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
// was. A link stays one, and a file keeps its mode; one that may not be written to fails. What is no plain file, such as a pipe,
// and one whose folder takes no other, is written in its place.
func writeFile(name string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if isPlain(name) {
		to, err := filepath.EvalSymlinks(name)
		if err != nil {
			to = name // which is yet to be made
		}
		if done, err := replace(to, b.Bytes()); done || err != nil {
			if path, ok := errors.AsType[*fs.PathError](err); ok {
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

// replace puts a new file in the place of another, whose mode it gets. It reports whether it did; where it did not and there is no
// error, the folder takes no other file.
func replace(name string, data []byte) (bool, error) {
	old, err := os.OpenFile(name, os.O_WRONLY, 0) // it is for who may write to it
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	var mode os.FileMode
	if err == nil {
		info, err := old.Stat()
		_ = old.Close()
		if err != nil {
			return false, err
		}
		mode = info.Mode().Perm()
	}
	part := name + "." + rand.Text() + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) //nolint:gosec // as the umask has it
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
	if err == nil && mode != 0 {
		err = os.Chmod(part, mode)
	}
	if err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		_ = os.Remove(part)
	}
	return err == nil, err
}
