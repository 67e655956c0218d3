package mockserver

import (
	"fmt"
	"net/http"
	"time"
)

// rules returns the rules that the path means, and the time by their clock.
func (c *controlCall) rules() (set *rules, now time.Time, forAll bool, err error) {
	if _, ok := c.Values["app"]; !ok {
		return &c.server.rules, c.server.options.Now(), true, nil
	}
	a, err := c.app()
	if err != nil {
		return nil, time.Time{}, false, err
	}
	return &a.rules, a.now(), false, nil
}

func (c *controlCall) listRules() (any, error) {
	set, now, _, err := c.rules()
	if err != nil {
		return nil, err
	}
	return map[string]any{"rules": set.all(now)}, nil
}

func (c *controlCall) addRule() (any, error) {
	set, now, forAll, err := c.rules()
	if err != nil {
		return nil, err
	}
	var r Rule
	if err := c.decode(&r); err != nil {
		return nil, err
	}
	if err := r.validate(c.server.doc, forAll); err != nil {
		return nil, err
	}
	if r, err = set.add(r, now); err != nil {
		return nil, problemOf(http.StatusConflict, err.Error())
	}
	c.server.store.tellSeed(c.Value("app"), r)
	return controlReply{status: http.StatusCreated, value: r}, nil
}

func (c *controlCall) deleteRules() (any, error) {
	set, _, _, err := c.rules()
	if err != nil {
		return nil, err
	}
	set.remove("")
	return controlReply{status: http.StatusNoContent}, nil
}

func (c *controlCall) noRule() error {
	p := problemOf(http.StatusNotFound, fmt.Sprintf("there is no rule %q", c.Value("id")))
	p.Field, p.Accepted = "/path/id", "the id of a rule that is listed here"
	return p
}

func (c *controlCall) getRule() (any, error) {
	set, now, _, err := c.rules()
	if err != nil {
		return nil, err
	}
	for _, r := range set.all(now) {
		if r.ID == c.Value("id") {
			return r, nil
		}
	}
	return nil, c.noRule()
}

func (c *controlCall) deleteRule() (any, error) {
	set, _, _, err := c.rules()
	if err != nil {
		return nil, err
	}
	if !set.remove(c.Value("id")) {
		return nil, c.noRule()
	}
	return controlReply{status: http.StatusNoContent}, nil
}
