package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dingmock/dingmock/mockserver"
)

// Filter says which exchanges of a journal are asked for. The zero value is all.
type Filter struct {
	Operation  string // an operationId
	Errcode    string // errcode, sub_code, errcode/sub_code or code of the answer; 0 is success
	Rule       string // the id of the rule that answered
	Violations *bool  // those that broke the document, or those that did not
	Since      int64  // those after this number
	Limit      int    // the last so many; 0: all that are kept
}

// Journal is what a journal has kept.
type Journal struct {
	Entries []*mockserver.Entry `json:"entries"` // oldest first
	Last    int64               `json:"last"`    // the number of the latest call
	Dropped int64               `json:"dropped"` // how many of the calls asked for have been lost
}

// Journal returns the latest exchanges that the filter lets through.
func (a *App) Journal(ctx context.Context, f Filter) (Journal, error) {
	query := url.Values{}
	for name, value := range map[string]string{"operation": f.Operation, "errcode": f.Errcode, "rule": f.Rule} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.Violations != nil {
		query.Set("violations", strconv.FormatBool(*f.Violations))
	}
	if f.Since != 0 {
		query.Set("since", strconv.FormatInt(f.Since, 10))
	}
	if f.Limit != 0 {
		query.Set("limit", strconv.Itoa(f.Limit))
	}
	var j Journal
	err := a.client.get(ctx, a.path("/journal"), query, &j)
	return j, err
}

// Entry returns one exchange by its number.
func (a *App) Entry(ctx context.Context, n int64) (*mockserver.Entry, error) {
	e := &mockserver.Entry{}
	if err := a.client.get(ctx, a.path("/journal/"+strconv.FormatInt(n, 10)), nil, e); err != nil {
		return nil, err
	}
	return e, nil
}

// Wait returns as soon as enough calls that match have been made, or when the time is over: OK says which.
func (a *App) Wait(ctx context.Context, w mockserver.Wait) (mockserver.Counted, error) {
	var counted mockserver.Counted
	err := a.client.call(ctx, http.MethodPost, a.path("/journal/wait"), nil, w, &counted)
	return counted, err
}

// Expect counts the calls that match; OK says whether they are as many as expected.
func (a *App) Expect(ctx context.Context, x mockserver.Expect) (mockserver.Counted, error) {
	var counted mockserver.Counted
	err := a.client.call(ctx, http.MethodPost, a.path("/journal/expect"), nil, x, &counted)
	return counted, err
}

// Stream yields the exchanges after the number since as they happen, until ctx is done, the app is removed or reset, or
// the server stops: then it ends, with ctx's error if there is one. since -1 begins with what happens from now on.
// An error is the last thing that it yields.
func (a *App) Stream(ctx context.Context, since int64) iter.Seq2[*mockserver.Entry, error] {
	return func(yield func(*mockserver.Entry, error) bool) {
		query := url.Values{}
		if since >= 0 {
			query.Set("since", strconv.FormatInt(since, 10))
		}
		resp, err := a.client.send(ctx, http.MethodGet, a.path("/journal/stream"), query, nil)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		lines := bufio.NewReader(resp.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil { // the stream has no end of its own: an end is the server's, unless it is ours
				if ctx.Err() != nil {
					yield(nil, ctx.Err())
				}
				return
			}
			data, ok := strings.CutPrefix(line, "data: ")
			if !ok {
				continue
			}
			e := &mockserver.Entry{}
			if err := json.Unmarshal([]byte(data), e); err != nil {
				yield(nil, fmt.Errorf("control: the stream cannot be read: %w", err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}
