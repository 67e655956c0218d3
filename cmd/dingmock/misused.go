package main

import (
	"slices"
	"strings"

	"github.com/dingmock/dingmock/internal/nearest"
)

// misused says why nothing was begun, in the reports that arguments name which could not be read whole: there a report of
// an earlier run would pass for this one's. Of run it writes none, whose arguments may be another program's.
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
	switch nearest.Word(args[0], []string{"serve", "verify", "verdict", "run", "proxy", "ready", "ca", "spec"}) { // verfy is meant for verify
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
