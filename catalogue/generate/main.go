// Command generate makes the lists of package paths from a catalogue of DingTalk's calls, a file of JSON lines:
//
//	go run ./catalogue/generate operations.jsonl
//
// It writes catalogue/paths/paths.txt.gz, from the root of the module.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/dingmock/dingmock/catalogue/paths"
)

// operation is the part of a line of the catalogue that is read.
type operation struct {
	ID         string   `json:"id"`
	Method     string   `json:"method"`
	Path       string   `json:"path"`
	Token      string   `json:"token"`
	Confidence string   `json:"confidence"`
	Notes      []string `json:"notes"`
}

// letters maps the kinds of token to the letters that package paths reads.
var letters = map[string]string{
	"header":                                    "a",
	"query access_token":                        "q",
	"none":                                      "-",
	"other:query access_token of the robot":     "r",
	"other:query session of the webhook":        "w",
	"other:query suite_access_token":            "s",
	"other:query access_token of /sns/gettoken": "n",
	"other:query sns_token":                     "u",
	"other:query access_token of /sso/gettoken": "o",
	"other:signature":                           "g",
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("found %d arguments; the catalogue's file is the one argument", len(args))
	}
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	packed, err := pack(f)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return os.WriteFile("catalogue/paths/paths.txt.gz", packed, 0o644)
}

// pack makes the list of package paths.
func pack(r io.Reader) ([]byte, error) {
	operations, err := read(r)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	for _, o := range operations {
		letter, ok := letters[o.Token]
		if !ok {
			return nil, fmt.Errorf("%s: %q is a token that package paths does not know", o.ID, o.Token)
		}
		source := "d"
		switch {
		case slices.Contains(o.Notes, "path: guess"):
			source = "g"
		case o.Confidence == "sdk":
			source = "s"
		}
		line := o.Path + "\t" + o.Method + "\t" + letter + source
		if o.ID != paths.Dotted(o.Path) {
			line += "\t" + o.ID
		}
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func read(r io.Reader) ([]operation, error) {
	var list []operation
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o operation
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(list)+1, err)
		}
		if o.ID == "" || o.Method == "" || !strings.HasPrefix(o.Path, "/") {
			return nil, fmt.Errorf("line %d: has to have id, method and path", len(list)+1)
		}
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b operation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return list, lines.Err()
}
