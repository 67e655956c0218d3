package mockserver

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dingmock/dingmock/mockserver/internal/rules"
)

// forAll reports whether the path stands for the rules for every app.
func (c *controlCall) forAll() bool {
	_, ok := c.Values["app"]
	return !ok
}

// readRules returns the rules that the path stands for, and the sequence that their ids belong to.
func (c *controlCall) readRules() (list []Rule, life string, err error) {
	if c.forAll() {
		return c.server.rules.Judged(c.server.options.Now()), c.server.tenants.lifeID, nil
	}
	a, err := c.app()
	if err != nil {
		return nil, "", err
	}
	return a.rules.Judged(a.now()), a.lifeID, nil
}

// removeRules applies do, which removes rules, to the rules that the path stands for.
func (c *controlCall) removeRules(do func(set *rules.Set) error) error {
	if c.forAll() {
		return do(&c.server.rules)
	}
	_, err := c.remove(func(a *tenant) error { return do(&a.rules) })
	return err
}

func (c *controlCall) listRules() (any, error) {
	list, life, err := c.readRules()
	if err != nil {
		return nil, err
	}
	of := "rules/" + life
	rest, err := c.cursor(of) // the ids not listed yet: even if the order changes, none is missed or repeated
	if err != nil {
		return nil, err
	}
	if rest != "" {
		ids := strings.Split(rest, ",")
		list = slices.DeleteFunc(list, func(r Rule) bool { return !slices.Contains(ids, r.ID) })
	}
	var left []string
	if limit := c.limit(); len(list) > limit {
		for _, r := range list[limit:] {
			left = append(left, r.ID)
		}
		list = list[:limit]
	}
	return struct {
		Rules []Rule `json:"rules"`
		Next  string `json:"next,omitempty"`
	}{list, nextCursor(of, strings.Join(left, ","))}, nil
}

func (c *controlCall) addRule() (any, error) {
	var r Rule
	if err := c.decode(&r); err != nil {
		return nil, err
	}
	if err := rules.Check(&r, c.server.doc, c.forAll()); err != nil {
		return nil, err
	}
	var made Rule
	add := func(set *rules.Set, now time.Time) (err error) {
		if made, err = set.Add(r, now); err != nil {
			return problemOf(http.StatusConflict, err.Error())
		}
		return nil
	}
	var err error
	if c.forAll() {
		err = add(&c.server.rules, c.server.options.Now())
	} else {
		_, err = c.change(func(a *tenant) error { return add(&a.rules, a.now()) })
	}
	if err != nil {
		return nil, err
	}
	c.server.tenants.tellSeed(c.Value("app"), made)
	return controlReply{status: http.StatusCreated, value: made}, nil
}

func (c *controlCall) deleteRules() (any, error) {
	err := c.removeRules(func(set *rules.Set) error {
		set.Remove("")
		return nil
	})
	if err != nil {
		return nil, err
	}
	return controlReply{status: http.StatusNoContent}, nil
}

func (c *controlCall) noRule() error {
	p := problemOf(http.StatusNotFound, fmt.Sprintf("there is no rule %q", c.Value("id")))
	p.Field, p.Accepted = "/path/id", fmt.Sprintf("the id of a rule that is listed here, or of one of the last %d that were used up", rules.MaxUsed)
	return p
}

func (c *controlCall) getRule() (any, error) {
	set, now := &c.server.rules, c.server.options.Now()
	if !c.forAll() {
		a, err := c.app()
		if err != nil {
			return nil, err
		}
		set, now = &a.rules, a.now()
	}
	r, ok := set.Get(c.Value("id"), now)
	if !ok {
		return nil, c.noRule()
	}
	return r, nil
}

func (c *controlCall) deleteRule() (any, error) {
	err := c.removeRules(func(set *rules.Set) error {
		if !set.Remove(c.Value("id")) {
			return c.noRule()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return controlReply{status: http.StatusNoContent}, nil
}

// replaceRules replaces the rules for every app by valid ones.
func (s *Server) replaceRules(list []Rule) {
	for _, r := range s.rules.Replace(list, s.options.Now()) {
		s.tenants.tellSeed("", r)
	}
}
