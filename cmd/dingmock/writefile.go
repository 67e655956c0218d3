package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// writeFile writes a file whole or not at all: who reads it meanwhile, or after a failure, reads what it was. What is no plain
// file, such as a pipe, and one in a folder that takes no other, is written as it is.
func writeFile(name string, write func(io.Writer) error) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return writeTo(name, os.O_WRONLY, write)
	}
	part := name + ".part"
	if failed := writeTo(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, write); failed != nil {
		_ = os.Remove(part)
		if errors.Is(failed, fs.ErrPermission) && err == nil {
			return writeTo(name, os.O_WRONLY|os.O_TRUNC, write)
		}
		return failed
	}
	if failed := os.Rename(part, name); failed != nil {
		_ = os.Remove(part)
		return failed
	}
	return nil
}

func writeTo(name string, flags int, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, flags, 0o666)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
