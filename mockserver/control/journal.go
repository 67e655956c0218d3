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

	"github.com/dingmock/dingmock/mockserver/api"
)

// Filter says which exchanges of a journal are asked for. The zero value is all.
type Filter struct {
	Operation  string // an operationId
	Errcode    string // errcode, sub_code, errcode/sub_code or code of the answer; 0 is success
	Rule       string // the id of the rule that answered
	Violations *bool  // those that broke the document, or those that did not
	Since      int64  // those after this number
	Limit      int    // the last so many; 0: all that are kept
	Cursor     string // Next of the api.Journal before, for what came before that; the rest of the filter as then
}

// Journal returns the latest exchanges of the app that the filter lets through.
func (a *App) Journal(ctx context.Context, f Filter) (api.Journal, error) {
	return a.client.journal(ctx, a.path("/journal"), f)
}

// Journal returns the latest exchanges of all apps, and of none, that the filter lets through, in the order of their calls.
// Since, Life and Last count the calls of all of them, as All of an Entry does.
func (c *Client) Journal(ctx context.Context, f Filter) (api.Journal, error) {
	return c.journal(ctx, "/journal", f)
}

func (c *Client) journal(ctx context.Context, path string, f Filter) (api.Journal, error) {
	query := url.Values{}
	for name, value := range map[string]string{"operation": f.Operation, "errcode": f.Errcode, "rule": f.Rule, "cursor": f.Cursor} {
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
	var j api.Journal
	err := c.get(ctx, path, query, &j)
	return j, err
}

// Entry returns one exchange by its number.
func (a *App) Entry(ctx context.Context, n int64) (*api.Entry, error) {
	e := &api.Entry{}
	if err := a.client.get(ctx, a.path("/journal/"+strconv.FormatInt(n, 10)), nil, e); err != nil {
		return nil, err
	}
	return e, nil
}

// Wait returns as soon as enough calls that match have been made, or when the time is over: OK says which.
func (a *App) Wait(ctx context.Context, w api.WaitRequest) (api.MatchResult, error) {
	var counted api.MatchResult
	err := a.client.call(ctx, http.MethodPost, a.path("/journal/wait"), nil, w, &counted)
	return counted, err
}

// Expect counts the calls that match; OK says whether they are as many as expected.
func (a *App) Expect(ctx context.Context, x api.ExpectRequest) (api.MatchResult, error) {
	var counted api.MatchResult
	err := a.client.call(ctx, http.MethodPost, a.path("/journal/expect"), nil, x, &counted)
	return counted, err
}

// EventID names a call in a stream: the life that its number counts in, and the number.
func EventID(life string, n int64) string { return life + "-" + strconv.FormatInt(n, 10) }

// Event is one exchange of a stream.
type Event struct {
	*api.Entry
	ID string // by which StreamAfter goes on
}

// Stream yields the exchanges after the number since as they happen, until ctx is done, the app is removed or reset, or
// the server stops: then it ends, with ctx's error if there is one. since -1 begins with what happens from now on.
// An error is the last thing that it yields.
func (a *App) Stream(ctx context.Context, since int64) iter.Seq2[*api.Entry, error] {
	return func(yield func(*api.Entry, error) bool) {
		for e, err := range a.client.streamSince(ctx, a.path("/journal/stream"), since) {
			if !yield(e.Entry, err) {
				return
			}
		}
	}
}

// StreamAfter is Stream, but begins after the event of that id, such as the last one of a stream that has ended. Where the
// app was made anew since it begins with that one's first call, so that none is lost.
func (a *App) StreamAfter(ctx context.Context, id string) iter.Seq2[Event, error] {
	return a.client.streamAfter(ctx, a.path("/journal/stream"), id)
}

// Stream yields the exchanges of all apps, and of none, after the number since of all as they happen, until ctx is done or the
// server stops: then it ends, with ctx's error if there is one. since -1 begins with what happens from now on. An error
// is the last thing that it yields.
func (c *Client) Stream(ctx context.Context, since int64) iter.Seq2[Event, error] {
	return c.streamSince(ctx, "/journal/stream", since)
}

// StreamAfter is Stream, but begins after the event of that id. Where the server was started anew since it begins with that
// one's first call, so that none is lost.
func (c *Client) StreamAfter(ctx context.Context, id string) iter.Seq2[Event, error] {
	return c.streamAfter(ctx, "/journal/stream", id)
}

func (c *Client) streamSince(ctx context.Context, path string, since int64) iter.Seq2[Event, error] {
	query := url.Values{}
	if since >= 0 {
		query.Set("since", strconv.FormatInt(since, 10))
	}
	return c.stream(ctx, path, query, nil)
}

func (c *Client) streamAfter(ctx context.Context, path, id string) iter.Seq2[Event, error] {
	return c.stream(ctx, path, nil, http.Header{"Last-Event-Id": {id}})
}

func (c *Client) stream(ctx context.Context, path string, query url.Values, header http.Header) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		resp, err := c.send(ctx, http.MethodGet, path, query, header, nil)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		lines := bufio.NewReader(resp.Body)
		var e Event
		for {
			line, err := lines.ReadString('\n')
			if err != nil { // the stream has no end of its own: an end is the server's, unless it is ours
				if ctx.Err() != nil {
					yield(Event{}, ctx.Err())
				}
				return
			}
			if id, ok := strings.CutPrefix(line, "id: "); ok {
				e.ID = strings.TrimSpace(id)
			}
			data, ok := strings.CutPrefix(line, "data: ")
			if !ok {
				continue
			}
			e.Entry = &api.Entry{}
			dec := json.NewDecoder(strings.NewReader(data))
			dec.UseNumber()
			if err := dec.Decode(e.Entry); err != nil {
				yield(Event{}, fmt.Errorf("control: the stream cannot be read: %w", err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}
