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

// Filter selects exchanges of a journal. The zero value selects all.
type Filter struct {
	Operation  string // an operationId
	Errcode    string // errcode, sub_code, errcode/sub_code or code of the answer; 0 is success
	Rule       string // the id of the rule that answered
	Violations *bool  // only those that broke the document, or only those that did not
	Since      int64  // only those after this number
	Limit      int    // only the last Limit ones; 0: all that are kept
	Cursor     string // Next of the api.Journal before, to get what came before it with the same filter
}

// Journal returns the latest exchanges of the app that the filter selects.
func (a *App) Journal(ctx context.Context, f Filter) (api.Journal, error) {
	return a.client.journal(ctx, a.path("/journal"), f)
}

// Journal returns the latest exchanges of all apps, and of no app, that the filter selects, in the order of their
// calls. Since, Life and Last refer to the numbers over all apps, as All of an Entry does.
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

// Wait returns as soon as enough matching calls have been made, or when the timeout has passed. OK says which.
func (a *App) Wait(ctx context.Context, w api.WaitRequest) (api.MatchResult, error) {
	var counted api.MatchResult
	err := a.client.call(ctx, http.MethodPost, a.path("/journal/wait"), nil, w, &counted)
	return counted, err
}

// Expect counts the matching calls. OK says whether their number is as expected.
func (a *App) Expect(ctx context.Context, x api.ExpectRequest) (api.MatchResult, error) {
	var counted api.MatchResult
	err := a.client.call(ctx, http.MethodPost, a.path("/journal/expect"), nil, x, &counted)
	return counted, err
}

// EventID returns the id of a call in a stream: the life that its number belongs to, and the number.
func EventID(life string, n int64) string { return life + "-" + strconv.FormatInt(n, 10) }

// Event is one exchange of a stream.
type Event struct {
	*api.Entry
	ID string // for StreamAfter, to continue after the event
}

// Stream yields the app's exchanges after the number since as they happen. It ends when ctx is done, the app is
// removed or reset, or the server stops; an error of ctx is yielded then. If since is -1, it begins with what
// happens from now on. An error is the last thing that it yields.
func (a *App) Stream(ctx context.Context, since int64) iter.Seq2[*api.Entry, error] {
	return func(yield func(*api.Entry, error) bool) {
		for e, err := range a.client.streamSince(ctx, a.path("/journal/stream"), since) {
			if !yield(e.Entry, err) {
				return
			}
		}
	}
}

// StreamAfter is like Stream, but begins after the event of that id, such as the last one of a stream that has
// ended. If the app has been made again since, it begins with the new app's first call, so that none is lost.
func (a *App) StreamAfter(ctx context.Context, id string) iter.Seq2[Event, error] {
	return a.client.streamAfter(ctx, a.path("/journal/stream"), id)
}

// Stream yields the exchanges of all apps, and of no app, after the number since, which counts over all apps, as
// they happen. It ends when ctx is done or the server stops; an error of ctx is yielded then. If since is -1, it
// begins with what happens from now on. An error is the last thing that it yields.
func (c *Client) Stream(ctx context.Context, since int64) iter.Seq2[Event, error] {
	return c.streamSince(ctx, "/journal/stream", since)
}

// StreamAfter is like Stream, but begins after the event of that id. If the server has been restarted since, it
// begins with the new server's first call, so that none is lost.
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
			if err != nil { // the stream has no regular end: if ctx is not done, the server ended it
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
