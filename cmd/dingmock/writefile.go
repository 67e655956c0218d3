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

// writeFile writes a file whole or not at all: whoever reads it meanwhile, or after a failure such as a full disk, reads the old
// content. A link stays a link, and a file keeps its mode. It fails if the file may not be written. Anything but a plain file,
// such as a pipe, and a file whose folder takes no new one, is overwritten instead.
func writeFile(name string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if isPlain(name) {
		to, err := filepath.EvalSymlinks(name)
		if err != nil {
			to = name // it does not exist yet
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

// errNotEnded is written to a report until there is a result, so that a command that is killed leaves no report of an earlier
// run.
var errNotEnded = errors.New("the run has not ended: it goes on, or was killed")

// writeWhy writes why there is no report. It does not write errNotEnded to a pipe or the like, where no later report could
// replace it.
func writeWhy(name string, why error, write func(io.Writer) error) error {
	if info, err := os.Stat(name); errors.Is(why, errNotEnded) && err == nil && !isPlain(name) && !info.IsDir() {
		return nil
	}
	return writeFile(name, write)
}

// isPlain reports whether a file, or the file that a link leads to, is a plain one or does not exist yet. A file that this
// process already writes to, such as /dev/stdout, does not count as plain.
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

// replace replaces a file with a new one of the same mode. It reports whether it did. If it returns false without an error, the
// folder takes no new file.
func replace(name string, data []byte) (bool, error) {
	old, err := os.OpenFile(name, os.O_WRONLY, 0) // only who may write to it may replace it
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
