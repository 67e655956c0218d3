package contract

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"github.com/dingmock/dingmock/internal/printable"
)

// JSONVersion is the version of the JSON report. It rises when a field changes its meaning or goes; new fields do not
// raise it.
const JSONVersion = 2

// JSONReport is the shape of the JSON report.
type JSONReport struct {
	Version     int             `json:"version"` // JSONVersion
	Target      string          `json:"target"`  // the base URL, or "in process"
	Seed        uint64          `json:"seed,string"`
	Started     time.Time       `json:"started"`
	Seconds     float64         `json:"seconds"`
	Error       string          `json:"error,omitempty"`       // why nothing could be checked at all
	Interrupted bool            `json:"interrupted,omitempty"` // the run was cancelled before all cases had ended
	Ended       bool            `json:"ended,omitempty"`       // the target, which answered at first, stopped answering
	OK          bool            `json:"ok"`                    // something was checked, there is nothing to be mended, and every case could be checked
	Summary     map[Outcome]int `json:"summary"`               // how many cases ended so
	Coverage    JSONCoverage    `json:"coverage"`
	Causes      []*Cause        `json:"causes"` // what is to be mended, in the order in which to mend it
	Cases       []JSONCase      `json:"cases"`
}

// JSONCoverage is how much of the document was exercised.
type JSONCoverage struct {
	Percent  float64  `json:"percent"`
	Items    int      `json:"items"`
	Missing  []Item   `json:"missing"`
	Unlisted []string `json:"unlisted"` // errors that no operation of the document answers; they are not counted
}

// JSONCase is how one case ended.
type JSONCase struct {
	ID        string   `json:"id"`
	Rule      string   `json:"rule"`
	Level     Level    `json:"level"`
	Operation string   `json:"operation,omitempty"`
	Outcome   Outcome  `json:"outcome"`
	Known     bool     `json:"known,omitempty"`  // in the list of known failures
	Reason    string   `json:"reason,omitempty"` // why it was not run, or could not be checked
	Seconds   float64  `json:"seconds"`
	Stack     string   `json:"stack,omitempty"` // if the kit, a driver or a power panicked
	Failure   *Failure `json:"failure,omitempty"`
}

// WriteJSON writes the report as a JSONReport.
func (r *Report) WriteJSON(w io.Writer) error {
	items, _ := r.Coverage.Items()
	out := JSONReport{
		Version: JSONVersion, Target: r.Target, Seed: r.Seed, Started: r.Started, Seconds: r.Duration.Seconds(),
		Error: r.Nothing(), Interrupted: r.Interrupted, Ended: r.Ended(), OK: len(r.Causes) == 0 && r.Count(Errored) == 0 && r.Nothing() == "", Summary: map[Outcome]int{},
		Coverage: JSONCoverage{Percent: r.Coverage.Percent(), Items: len(items), Missing: r.Coverage.Missing(), Unlisted: r.Coverage.Unlisted()},
		Causes:   append([]*Cause{}, r.Causes...),
		Cases:    []JSONCase{},
	}
	for _, o := range []Outcome{Pass, Fail, Blocked, Unsupported, Skipped, Errored} {
		out.Summary[o] = r.Count(o)
	}
	for _, x := range r.Results {
		out.Cases = append(out.Cases, JSONCase{
			ID: x.ID, Rule: x.Rule, Level: x.Level, Operation: x.Operation, Outcome: x.Outcome, Known: x.Known,
			Reason: x.Reason, Seconds: x.Duration.Seconds(), Stack: x.Stack, Failure: x.Failure,
		})
	}
	return out.Write(w)
}

// Write writes the report as JSON that a terminal shows as it is.
func (r *JSONReport) Write(w io.Writer) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return err
	}
	_, err := w.Write(printable.JSON(b.Bytes()))
	return err
}
