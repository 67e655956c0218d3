package client

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/manual"
)

// FuzzReply answers each call with anything. The result must be a value or one of the two errors, which must show no secret. The
// client must understand whatever the document allows.
func FuzzReply(f *testing.F) {
	doc := load(f)
	byID := map[string]*dingmock.Operation{}
	for _, op := range doc.Operations() {
		byID[op.ID] = op
	}
	ids := slices.Sorted(maps.Keys(byID))
	for i, id := range ids {
		for _, reply := range byID[id].Replies {
			for _, body := range reply.Examples {
				f.Add(byte(i), reply.Status, []byte(body))
				f.Add(byte(i), reply.Status, []byte(body[:len(body)/2]))
			}
		}
	}
	f.Fuzz(func(t *testing.T, i byte, status int, body []byte) {
		op := byID[ids[int(i)%len(ids)]]
		status = 200 + int(uint(status-200)%400) // what net/http hands on
		options := testOptions()
		options.Now = manual.New(midnight).Now
		options.Sleep = func(_ context.Context, d time.Duration) error {
			if d <= 0 || d > maxPause {
				t.Errorf("a pause of %s", d)
			}
			return nil
		}
		c := offline(t, options, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/gettoken" && op.ID != "gettoken" {
				return respond(200, okToken), nil
			}
			return respond(status, string(body)), nil
		})
		value, err := methods[operations[op.ID].by].call(t.Context(), c)

		request := &dingmock.Request{Operation: op, Family: op.Family, Method: op.Method, Path: op.Path}
		header := http.Header{"Content-Type": {op.Family.ContentType}}
		allowed := len(request.CheckResponse(status, header, body)) == 0

		var refused *Error
		var broken *ReplyError
		switch {
		case err == nil:
			if op.ID != "getsession" && op.ID != "close_session" && reflect.ValueOf(value).IsZero() {
				t.Error("a success without a value")
			}
			return
		case errors.As(err, &refused):
			if refused.Errcode == 0 && refused.Code == "" || refused.Operation != op.ID || refused.HTTPStatus != status {
				t.Errorf("%#v", refused)
			}
		case errors.As(err, &broken):
			number := strings.HasSuffix(broken.Reason, "number") // 1e3 is an integer to a schema
			if allowed && !number {
				t.Errorf("the document allows the reply, but the client says: %v", err)
			}
			if broken.Reason == "" || broken.Operation != op.ID || broken.HTTPStatus != status || len(broken.Body) > maxShown+len("…") {
				t.Errorf("%#v", broken)
			}
		default:
			t.Errorf("error %v is a %T", err, err)
		}
		if !reflect.ValueOf(value).IsZero() {
			t.Errorf("value %v with error %v", value, err)
		}
		if !utf8.ValidString(err.Error()) {
			t.Errorf("error %q is not UTF-8", err)
		}
		if bytes.Contains(body, []byte(testToken[:8])) && !bytes.Contains(body, []byte(testToken)) {
			return // a part of the token alone: the client cannot know it for one
		}
		checkHidden(t, map[string]string{"error": err.Error()})
	})
}
