package main

import (
	"slices"
	"strings"

	"github.com/dingmock/dingmock/internal/nearest"
)

// misused writes why a command did not start to the reports that its arguments name, as far as these can be read. Otherwise a
// report of an earlier run would pass for one of this run. For run it writes none: the arguments may be another program's.
func misused(args []string, lookupEnv func(string) (string, bool), why error) error {
	named := func(flag string) string {
		name := ""
		for i, a := range args {
			if value, ok := strings.CutPrefix(a, flag+"="); ok {
				name = value
			} else if a == flag && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				name = args[i+1]
			}
		}
		return name
	}
	switch nearest.Word(args[0], []string{"serve", "verify", "verdict", "run", "proxy", "ready", "ca", "spec"}) { // verfy means verify
	case "verify":
		if slices.Contains(args, "--list") {
			return nil
		}
		c := verifyCommand{JUnit: named("--junit"), JSON: named("--json")}
		for variable, name := range map[string]*string{"DINGMOCK_JUNIT": &c.JUnit, "DINGMOCK_JSON": &c.JSON} {
			if value, _ := lookupEnv(variable); *name == "" {
				*name = value
			}
		}
		return c.unstarted(why)
	case "verdict", "proxy":
		f := judgeFlags{JUnit: named("--junit"), Report: named("--report")}
		return f.unjudged(why)
	}
	return nil
}
