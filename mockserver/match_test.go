package mockserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// TestMatchIsOne uses each match in a rule and in an expectation, for a call over a real socket: both agree.
func TestMatchIsOne(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	addr := listen(t, s)
	const (
		order  = `{"id":1234567890123456789,"price":1.50,"big":1e400,"on":true,"none":null,"text":"a <b> & \"c\"","list":[{"k":"v0"},{"k":"v1","n":-0}],"msg":"{\"text\":{\"content\":\"会 hi\"},\"at\":[\"x\"]}","a/b":{"c~d":7},"access_token":"s3cret","o":{"ticket":{"id":"s3cret"},"z":1,"a":"<"}}`
		form   = `msg=%7B%22msgtype%22%3A%22text%22%2C%22text%22%3A%7B%22content%22%3A%22hi%20you%22%7D%7D&userid_list=a%2Cb&n=12&empty=&dup=1&dup=2`
		custom = "POST /custom/order%20x/1?from=q&id=query"
	)
	long := strings.Repeat("x", 20_000)
	calls := map[string]string{
		"json":  request(custom, jsonType, order, "X-Env: Staging", "X-Two: one", "X-Two: two"),
		"form":  request("POST /custom/form", formType, form),
		"list":  request("POST /topapi/v2/user/getsession?access_token="+live+"&trace=q", jsonType, `{"userid":42,"trace":"b","extra":{"deep":[1,2]}}`),
		"long":  request("POST /custom/long", jsonType, `{"text":"`+long+`end","o":{"text":"`+long+`end"}}`),
		"token": request("GET /gettoken?"+appPairQuery, "", ""),
		"ip":    "GET /x HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: close\r\n\r\n",
		"none":  request("GET /custom/none", "", ""),
		"array": request("POST /custom/array", jsonType, `[{"a":1}]`),
		"bytes": request("POST /custom/%ff?q=%ff", "", ""),
	}
	for i, test := range []struct {
		call, match string
		want        bool
	}{
		{"json", `{}`, true},
		{"json", `{"path":"/custom/order x/1"}`, true},
		{"json", `{"path":"/custom/order%20x/1"}`, false},
		{"json", `{"path":"/custom/order *"}`, true},
		{"json", `{"path":"/custom/Order *"}`, false},
		{"json", `{"method":"POST"}`, true},
		{"json", `{"method":"GET"}`, false},
		{"json", `{"operation":"gettoken"}`, false},
		{"token", `{"operation":"gettoken"}`, true},
		{"bytes", `{"path":"/custom/*"}`, true},

		{"json", `{"host":"oapi.dingtalk.com"}`, true},
		{"json", `{"host":"OAPI.DingTalk.com:8443"}`, true},
		{"json", `{"host":"*.dingtalk.com"}`, true},
		{"json", `{"host":"*.oapi.dingtalk.com"}`, false},
		{"json", `{"host":"dingtalk.com"}`, false},
		{"json", `{"host":"api.dingtalk.com"}`, false},
		{"ip", `{"host":"::1"}`, true},
		{"ip", `{"host":"[::1]:9"}`, true},

		{"json", `{"headers":{"x-env":"Staging"}}`, true},
		{"json", `{"headers":{"X-ENV":"staging"}}`, false},
		{"json", `{"headers":{"x-env":{"contains":"tag"}}}`, true},
		{"json", `{"headers":{"x-env":{"pattern":"(?i)^staging$"}}}`, true},
		{"json", `{"headers":{"x-two":"two"}}`, true},
		{"json", `{"headers":{"x-two":"one, two"}}`, false},
		{"json", `{"headers":{"x-none":{"absent":true}}}`, true},
		{"json", `{"headers":{"x-env":{"absent":true}}}`, false},
		{"json", `{"headers":{"x-none":""}}`, false},

		{"json", `{"parameters":{"id":1234567890123456789}}`, true},
		{"json", `{"parameters":{"id":"1234567890123456789"}}`, true},
		{"json", `{"parameters":{"id":1234567890123456788}}`, false},
		{"json", `{"parameters":{"id":"query"}}`, false},
		{"json", `{"parameters":{"price":1.50}}`, true},
		{"json", `{"parameters":{"price":1.5}}`, false},
		{"json", `{"parameters":{"big":1e400}}`, true},
		{"json", `{"parameters":{"on":true}}`, true},
		{"json", `{"parameters":{"on":{"equals":true}}}`, true},
		{"json", `{"parameters":{"none":null}}`, true},
		{"json", `{"parameters":{"none":{"absent":true}}}`, false},
		{"json", `{"parameters":{"nothing":{"absent":true}}}`, true},
		{"json", `{"parameters":{"nothing":null}}`, false},
		{"json", `{"parameters":{"text":"a <b> & \"c\""}}`, true},
		{"json", `{"parameters":{"text":{"contains":"<b> &"}}}`, true},
		{"json", `{"parameters":{"from":"q"}}`, true},
		{"json", `{"parameters":{"/from":"q"}}`, true},
		{"json", `{"parameters":{"/list/1/k":"v1","/list/0/k":{"pattern":"^v[0-9]$"}}}`, true},
		{"json", `{"parameters":{"/list/1/n":"-0"}}`, true},
		{"json", `{"parameters":{"/list/2/k":{"absent":true}}}`, true},
		{"json", `{"parameters":{"/list/01/k":{"absent":true}}}`, true},
		{"json", `{"parameters":{"/list/-1":{"absent":true}}}`, true},
		{"json", `{"parameters":{"/list/0":"{\"k\":\"v0\"}"}}`, true},
		{"json", `{"parameters":{"list":{"contains":"{\"k\":\"v1\",\"n\":-0}"}}}`, true},
		{"json", `{"parameters":{"/msg/text/content":"会 hi"}}`, true},
		{"json", `{"parameters":{"/msg/at/0":"x"}}`, true},
		{"json", `{"parameters":{"/id/x":{"absent":true}}}`, true},
		{"json", `{"parameters":{"/none/x":{"absent":true}}}`, true},
		{"json", `{"parameters":{"o":"{\"a\":\"<\",\"ticket\":\"***\",\"z\":1}"}}`, true},
		{"json", `{"parameters":{"/o/z":1}}`, true},
		{"json", `{"parameters":{"o":{"contains":"s3cret"}}}`, false},

		{"form", `{"parameters":{"/msg/text/content":"hi you"}}`, true},
		{"form", `{"parameters":{"/msg/text":"{\"content\":\"hi you\"}"}}`, true},
		{"form", `{"parameters":{"userid_list":{"pattern":"(^|,)b(,|$)"}}}`, true},
		{"form", `{"parameters":{"n":12}}`, true},
		{"form", `{"parameters":{"empty":""}}`, true},
		{"form", `{"parameters":{"empty":{"contains":""}}}`, true},
		{"form", `{"parameters":{"dup":1}}`, true},
		{"form", `{"parameters":{"dup":2}}`, false},

		{"list", `{"operation":"getsession","parameters":{"userid":42}}`, true},
		{"list", `{"parameters":{"trace":"b"}}`, true},
		{"list", `{"parameters":{"/extra/deep/1":2}}`, true},
		{"long", `{"parameters":{"text":{"pattern":"xend$"}}}`, true},
		{"long", `{"parameters":{"/o/text":{"pattern":"^x+end$"}}}`, true},
		{"none", `{"parameters":{"x":{"absent":true}}}`, true},
		{"none", `{"parameters":{"x":{"contains":""}}}`, false},
		{"array", `{"parameters":{"a":{"absent":true}}}`, true},
		{"bytes", `{"parameters":{"q":"\ufffd"}}`, true},
	} {
		name := fmt.Sprintf("%d: %s %s", i, test.call, test.match)
		var r mockserver.Rule
		if status := steer(t, s, "POST", "/rules", `{"match":`+test.match+`,"effect":{"latency":"1ns"}}`, &r); status != http.StatusCreated {
			t.Errorf("%s: the rule is refused with HTTP %d", name, status)
			continue
		}
		app := "default"
		if test.call != "list" && test.call != "token" {
			app = mockserver.NoApp
		}
		var before, counted mockserver.MatchResult
		steer(t, s, "POST", "/apps/"+app+"/journal/expect", `{"at_least":0}`, &before)
		send(t, addr, calls[test.call])
		steer(t, s, "GET", "/rules/"+r.ID, "", &r)
		steer(t, s, "POST", "/apps/"+app+"/journal/expect", fmt.Sprintf(`{"match":%s,"since":%d}`, test.match, before.Last), &counted)
		if (r.Fired == 1) != test.want || (counted.Found == 1) != test.want {
			t.Errorf("%s: the rule has fired %d times, expect finds %d, want %t; %v", name, r.Fired, counted.Found, test.want, counted.Nearest)
		}
		steer(t, s, "DELETE", "/rules", "", nil)
	}
}

// TestMatchRefused checks that a match that can never be right is rejected with a reason, for rules, waits and
// expectations alike.
func TestMatchRefused(t *testing.T) {
	t.Parallel()
	s := controlled(t, mockserver.Options{})
	for _, test := range []struct{ match, field, says string }{
		{`{"path":"/user/list?x=1"}`, "path", "a path has no query: match its values by parameters"},
		{`{"path":"/a*b"}`, "path", "at its end alone"},
		{`{"host":"a b"}`, "host", "a name such as"},
		{`{"host":"https://oapi.dingtalk.com"}`, "host", "a name such as"},
		{`{"operation":"get_session"}`, "operation", `"get_session" is no operation`},
		{`{"headers":{"x y":"1"}}`, "headers/x y", "no name of a header"},
		{`{"headers":{"host":"1"}}`, "headers/host", "by host"},
		{`{"headers":{"authorization":"1"}}`, "headers/authorization", "are not kept"},
		{`{"headers":{"Cookie":{"absent":true}}}`, "headers/Cookie", "are not kept"},
		{`{"headers":{"x-acs-dingtalk-access-token":"1"}}`, "headers/x-acs-dingtalk-access-token", "are not kept"},
		{`{"parameters":{"access_token":"1"}}`, "parameters/access_token", "are not kept"},
		{`{"parameters":{"sign":"1"}}`, "parameters/sign", "are not kept"},
		{`{"parameters":{"/o/suiteTicket/0":"1"}}`, "parameters/~1o~1suiteTicket~10", "are not kept"},
		{`{"parameters":{"":"1"}}`, "parameters/", "no name of a parameter"},
		{`{"parameters":{"/":"1"}}`, "parameters/~1", "no name of a parameter"},
		{`{"parameters":{"a b":"1"}}`, "parameters/a b", "no name of a parameter"},
		{`{"parameters":{"x":[1]}}`, "parameters/x", "exactly one of"},
		{`{"parameters":{"x":{}}}`, "parameters/x", "exactly one of"},
		{`{"parameters":{"x":{"equals":1,"contains":"1"}}}`, "parameters/x", "exactly one of"},
		{`{"parameters":{"x":{"equals":[1]}}}`, "parameters/x", "exactly one of"},
		{`{"parameters":{"x":{"contains":1}}}`, "parameters/x", "exactly one of"},
		{`{"parameters":{"x":{"absent":false}}}`, "parameters/x", "exactly one of"},
		{`{"parameters":{"x":{"like":"1"}}}`, "parameters/x", "exactly one of"},
		{`{"parameters":{"x":{"pattern":"("}}}`, "parameters/x", "no Go regular expression (RE2): missing closing )"},
		{`{"parameters":{"x":{"pattern":"` + strings.Repeat("x", 1001) + `"}}}`, "parameters/x", "1001 bytes: at most 1000"},
	} {
		for path, body := range map[string]string{
			"/apps/default/rules": `{"effect":{"hang":true},"match":%s}`, "/rules": `{"effect":{"hang":true},"match":%s}`,
			"/apps/default/journal/expect": `{"match":%s}`, "/apps/default/journal/wait": `{"match":%s}`,
		} {
			var p struct{ Detail, Field string }
			status := steer(t, s, "POST", path, fmt.Sprintf(body, test.match), &p)
			if status != http.StatusBadRequest || p.Field != "/body/match/"+test.field || !strings.Contains(p.Detail, test.says) {
				t.Errorf("%s: %s: HTTP %d, %s: %s\nwant the field %s, %q", path, test.match, status, p.Field, p.Detail, test.field, test.says)
			}
		}
	}
	var p struct{ Field string }
	if status := steer(t, s, "GET", "/apps/default/journal?operation=get_session", "", &p); status != http.StatusBadRequest || p.Field != "/query/operation" {
		t.Errorf("a journal of an unknown operation: HTTP %d, %s", status, p.Field)
	}
}

// TestMatchDiffers checks the words for what each part of a match lacks.
func TestMatchDiffers(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	send(t, listen(t, s), request("POST /custom/a%20b?q=1", jsonType, `{"n":1.50,"o":{"k":[1]},"long":"`+strings.Repeat("会", 300)+`"}`, "X-Env: Staging"))
	for _, test := range []struct{ match, want string }{
		{`{"path":"/custom/c"}`, `path: expected "/custom/c", found "/custom/a b"`},
		{`{"host":"*.Example.com:1"}`, `host: expected "*.example.com", found "oapi.dingtalk.com"`},
		{`{"headers":{"x-env":{"contains":"prod"}}}`, `headers/x-env: expected a text with "prod" in it, found "Staging"`},
		{`{"headers":{"x-none":"1"}}`, `headers/x-none: expected "1", found nothing`},
		{`{"headers":{"x-env":{"absent":true}}}`, `headers/x-env: expected nothing, found "Staging"`},
		{`{"parameters":{"n":1.5}}`, `parameters/n: expected "1.5", found "1.50"`},
		{`{"parameters":{"/o/k/0":{"pattern":"^x"}}}`, `parameters/o/k/0: expected a text like "^x", found "1"`},
		{`{"parameters":{"/o/k/1":2}}`, `parameters/o/k/1: expected "2", found nothing`},
		{`{"parameters":{"long":"x"}}`, `parameters/long: expected "x", found "` + strings.Repeat("会", 200) + `"…`},
		{`{"errcode":"0","violations":false,"rule":"r1"}`, `errcode: expected "0", found "404"; rule: expected "r1", found ""; violations: expected false, found true`},
	} {
		var got mockserver.MatchResult
		steer(t, s, "POST", "/apps/_/journal/expect", `{"match":`+test.match+`}`, &got)
		if len(got.Nearest) != 1 {
			t.Errorf("%s: nearest %+v", test.match, got.Nearest)
			continue
		}
		if diff := cmp.Diff(test.want, strings.Join(got.Nearest[0].Differs, "; ")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.match, diff)
		}
	}
}

// TestJournalParameters checks that the parameters of every path are kept, with numbers as sent and without
// secrets.
func TestJournalParameters(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	addr := listen(t, s)
	for _, test := range []struct{ name, raw, app, want string }{
		{"unknown path, JSON", request("POST /x?q=1&access_token=s", jsonType, `{"id":1234567890123456789,"f":1.50,"e":1E+3,"h":-1e400,"o":{"b":"<","a":[null],"secret":1},"s":"x","password":"p"}`), "_",
			`{"e":1E+3,"f":1.50,"h":"-1e400","id":1234567890123456789,"o":"{\"a\":[null],\"b\":\"<\",\"secret\":\"***\"}","q":"1","s":"x"}`},
		{"unknown path, JSON in a form", request("POST /x", formType, `msg={"token":{"a":"s","b":["s"]},"k":1}&plain={"\u0074oken":"s"}`), "_", `{"msg":"{\"token\":\"***\",\"k\":1}","plain":"{\"token\":\"***\"}"}`},
		{"beside those of the operation", request("POST "+sessionURL+"&x=1&userid=q", jsonType, `{"userid":12,"y":{"z":1}}`), "default", `{"userid":12,"x":"1","y":"{\"z\":1}"}`},
		{"long", request("POST /x", jsonType, `{"a":"`+strings.Repeat("x", 20_000)+`","n":`+strings.Repeat("1", 20_000)+`}`), "_", `{"a":"` + strings.Repeat("x", 16<<10) + `…","n":"` + strings.Repeat("1", 16<<10) + `…"}`},
	} {
		send(t, addr, test.raw)
		var list struct {
			Entries []struct{ Parameters json.RawMessage }
		}
		steer(t, s, "GET", "/apps/"+test.app+"/journal?limit=1", "", &list)
		if diff := cmp.Diff(test.want, string(list.Entries[0].Parameters)); diff != "" {
			t.Errorf("%s (-want +got)\n%.500s", test.name, diff)
		}
	}
}

// TestParametersOfNoCall checks that parameters outside the document neither find nor make an app: such a path
// takes no credentials.
func TestParametersOfNoCall(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	do(s, "POST /custom?appkey=mock-new&appsecret=s", jsonType, `{"corpid":"dingmockcorp","corpsecret":"dingmockcorpsecret"}`)
	if diff := cmp.Diff([]string{"default"}, names(s)); diff != "" {
		t.Errorf("apps (-want +got)\n%s", diff)
	}
	var counted mockserver.MatchResult
	steer(t, s, "POST", "/apps/_/journal/expect", `{"match":{"parameters":{"appkey":"mock-new","corpid":"dingmockcorp"}}}`, &counted)
	if !counted.OK {
		t.Errorf("nearest %+v", counted.Nearest)
	}
}
