package mockserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/field"
	"github.com/dingmock/dingmock/mockserver/internal/journal"
	"github.com/dingmock/dingmock/mockserver/internal/match"
)

// journal returns the journal that the path means, and its app. The app is nil for _ and if the path names no app.
func (c *controlCall) journal() (*journal.Journal, *tenant, error) {
	switch c.Value("app") {
	case "":
		return c.server.tenants.journals.All(), nil, nil
	case NoApp:
		return c.server.nobody, nil, nil
	}
	a, err := c.app()
	if err != nil {
		return nil, nil, err
	}
	return a.journal, a, nil
}

// readJournal is like journal, but returns an empty journal for an app that its first call would make.
func (c *controlCall) readJournal() (*journal.Journal, error) {
	j, _, err := c.journal()
	if err != nil && c.mayCome() {
		return c.server.tenants.journals.Make(), nil
	}
	return j, err
}

// number returns an integer of the path or the query, which the document's schema has accepted.
func (c *controlCall) number(name string) int64 {
	n, _ := strconv.ParseInt(c.Value(name), 10, 64)
	return n
}

func (c *controlCall) listJournal() (any, error) {
	j, err := c.readJournal()
	if err != nil {
		return nil, err
	}
	m := Match{Operation: c.Value("operation"), Errcode: c.Value("errcode"), Rule: c.Value("rule")}
	if text := c.Value("violations"); text != "" {
		broken := text == "true"
		m.Violations = &broken
	}
	if err := match.CheckEntries(&m, c.server.doc); err != nil {
		p := problemOf(http.StatusBadRequest, err.Error())
		p.Field, p.Accepted = "/query"+err.Pointer, err.Accepted
		return nil, p
	}
	of := "journal/" + j.Life()
	before, err := c.after(of)
	if err != nil {
		return nil, err
	}
	p := j.List(match.Entries(&m), c.number("since"), before, int(c.number("limit")))
	return api.Journal{Entries: j.Entries(p.Items), Life: j.Life(), Last: p.Last, Dropped: p.Dropped, Next: nextAfter(of, p.Next)}, nil
}

func (c *controlCall) getJournalEntry() (any, error) {
	j, _, err := c.journal()
	if err != nil {
		return nil, err
	}
	kept, last := j.Get(c.number("n"))
	e, ok := kept.(*journal.Call)
	if !ok {
		detail := fmt.Sprintf("the call %d has not been made: the latest is %d", c.number("n"), last)
		if c.number("n") <= last {
			detail = fmt.Sprintf("the call %d is no longer kept (option journal)", c.number("n"))
		}
		p := problemOf(http.StatusNotFound, detail)
		p.Field, p.Accepted = "/path/n", fmt.Sprintf("a number up to %d that the journal still keeps", last)
		return nil, p
	}
	return e.Shown(), nil
}

func (c *controlCall) waitJournal() (any, error) {
	w := WaitRequest{AtLeast: 1, Timeout: Duration(5 * time.Second)}
	if err := c.decode(&w); err != nil {
		return nil, err
	}
	if err := match.CheckEntries(&w.Match, c.server.doc); err != nil {
		err.Pointer = "/match" + err.Pointer
		return nil, err
	}
	switch {
	case !c.server.tenants.journals.All().On():
		return nil, problemOf(http.StatusConflict, "the journal is off (option journal)")
	case w.Timeout <= 0 || time.Duration(w.Timeout) > maxWait:
		return nil, field.Wrong("/timeout", "", fmt.Sprintf("above 0 and at most %s", maxWait))
	}
	j := c.server.nobody
	var a *tenant
	if c.Value("app") != NoApp {
		var err error
		if a, err = c.change(func(*tenant) error { return nil }); err != nil { // a client may wait for the app's first call
			return nil, err
		}
		j = a.journal
	}
	ctx, cancel := c.alive(a)
	defer cancel()
	result := j.Wait(ctx, w)
	if ctx.Err() != nil && !result.OK {
		return nil, problemOf(http.StatusGone, "the app was deleted or reset, or the server stopped, while this waited")
	}
	return answered(result), nil
}

func (c *controlCall) expectJournal() (any, error) {
	j, err := c.readJournal()
	if err != nil {
		return nil, err
	}
	var x ExpectRequest
	if err := c.decode(&x); err != nil {
		return nil, err
	}
	if err := match.CheckEntries(&x.Match, c.server.doc); err != nil {
		err.Pointer = "/match" + err.Pointer
		return nil, err
	}
	switch {
	case !j.On():
		return nil, problemOf(http.StatusConflict, "the journal is off (option journal)")
	case x.AtLeast != nil && x.AtMost != nil && *x.AtMost < *x.AtLeast:
		return nil, field.Wrong("/at_most", "", "at_least or more")
	}
	return answered(j.Expect(x)), nil
}

func answered(result journal.Result) controlReply {
	r := controlReply{status: http.StatusOK, value: result.MatchResult()}
	if !result.OK {
		r.status = http.StatusConflict
	}
	return r
}

func (c *controlCall) streamJournal() (any, error) {
	j, a, err := c.journal()
	if err != nil {
		return nil, err
	}
	if !j.On() {
		return nil, problemOf(http.StatusConflict, "the journal is off (option journal)")
	}
	at := j.Since(0).Last
	if c.Value("since") != "" {
		at = c.number("since")
	}
	if text := c.http.Header.Get("Last-Event-ID"); text != "" { // it continues the same request
		at = j.AfterEvent(text)
	}
	return controlReply{stream: func(w http.ResponseWriter) {
		ctx, cancel := c.alive(a)
		defer cancel()
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("X-Accel-Buffering", "no") // nginx passes each event on at once
		w.WriteHeader(http.StatusOK)
		if _, err := fmt.Fprintf(w, ": the calls of the life %s\n\n", j.Life()); err != nil { // flushed below, even without a call
			return
		}
		beat := time.NewTicker(15 * time.Second)
		defer beat.Stop()
		flush := http.NewResponseController(w)
		for {
			tail := j.Since(at)
			for _, x := range tail.Items {
				e := j.Entry(x)
				if e == nil {
					continue
				}
				data, _ := json.Marshal(e) // the type can always be encoded
				if _, err := fmt.Fprintf(w, "id: %s\nevent: call\ndata: %s\n\n", j.EventID(x.N), printable.JSON(data)); err != nil {
					return
				}
			}
			at = max(at, tail.Last)
			if flush.Flush() != nil {
				return
			}
			select {
			case <-tail.More:
			case <-beat.C:
				if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}}, nil
}

func (c *controlCall) getVerdict() (any, error) {
	o := VerdictOptions{AllowUnknown: c.list("allow_unknown"), AllowNoCalls: c.Value("allow_no_calls") == "true"}
	o.Apps = c.list("app")
	field := "/query/app"
	if name := c.Value("app"); name != "" {
		o.Apps, field = []string{name}, "/path/app"
	}
	v, err := c.server.Verdict(&o)
	if errors.Is(err, api.ErrNoApp) {
		p := problemOf(http.StatusNotFound, err.Error())
		p.Code = api.ErrNoApp
		p.Field, p.Accepted = field, "the name or the appkey of an app, or a pattern such as mock-shop*; "+controlPrefix+"apps lists all"
		return nil, p
	}
	if err != nil {
		return nil, err
	}
	r := controlReply{status: http.StatusOK, value: v}
	if wantsText(c.http.Header) {
		r = controlReply{status: http.StatusOK, text: []byte(v.Text()), contentType: mediaText}
	}
	if !v.OK {
		r.status = http.StatusConflict
	}
	return r, nil
}

const mediaText = "text/plain; charset=utf-8"

// wantsText reports whether a client prefers plain text.
func wantsText(h http.Header) bool {
	first, _, _ := strings.Cut(h.Get("Accept"), ",")
	media, _, err := mime.ParseMediaType(first)
	return err == nil && media == "text/plain"
}

// maxWait is the longest time that a wait may last.
const maxWait = 10 * time.Minute

// list returns the values of a parameter that may be repeated.
func (c *controlCall) list(name string) []string {
	values, _ := c.Values[name].([]any)
	var list []string
	for _, v := range values {
		text, _ := v.(string)
		list = append(list, text)
	}
	return list
}

func (c *controlCall) clearVerdict() (any, error) {
	name, err := c.tallied(c.Value("app"))
	if err != nil {
		return nil, err
	}
	c.server.tally.Clear(name)
	return controlReply{status: http.StatusNoContent}, nil
}

// tallied returns the name under which an app's violations are counted, even if the app is gone.
func (c *controlCall) tallied(name string) (string, error) {
	if name == NoApp || c.server.tally.Knows(name) {
		return name, nil
	}
	a, err := c.app()
	if err != nil {
		return "", err
	}
	return a.name, nil
}
