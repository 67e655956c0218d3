package client

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNewURLs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name               string
		base, api          string
		wantOapi, wantAPI  string
		wantErr, neverSays string
	}{
		{name: "neither", wantOapi: DefaultBaseURL, wantAPI: DefaultAPIBaseURL},
		{name: "one serves both", base: "http://localhost:8080", wantOapi: "http://localhost:8080", wantAPI: "http://localhost:8080"},
		{name: "the other serves both", api: "http://localhost:8080", wantOapi: "http://localhost:8080", wantAPI: "http://localhost:8080"},
		{name: "both", base: "http://a", api: "https://b", wantOapi: "http://a", wantAPI: "https://b"},
		{name: "base path", base: "https://host/some/path/", wantOapi: "https://host/some/path", wantAPI: "https://host/some/path"},
		{name: "escaped base path", base: "https://host/a%2Fb", wantOapi: "https://host/a%2Fb", wantAPI: "https://host/a%2Fb"},
		{name: "slashes", base: "https://host//", wantOapi: "https://host", wantAPI: "https://host"},
		{name: "address", base: "http://[::1]:8080", wantOapi: "http://[::1]:8080", wantAPI: "http://[::1]:8080"},
		{name: "no scheme", base: "localhost:8080", wantErr: "dingtalk: Options: BaseURL: has to begin with http:// or https://"},
		{name: "other scheme", base: "ftp://host", wantErr: "dingtalk: Options: BaseURL: has to begin with http:// or https://"},
		{name: "no host", base: "http://:8080", wantErr: "dingtalk: Options: BaseURL: has no host"},
		{name: "port", base: "http://host:99999", wantErr: "dingtalk: Options: BaseURL: has a port that is not from 1 to 65535"},
		{name: "port that is no number", base: "http://host:http", wantErr: `dingtalk: Options: BaseURL: is not a URL: invalid port ":http" after host`},
		{name: "user", base: "http://ann:hunter2@host", wantErr: "dingtalk: Options: BaseURL: has to be without a user and a password", neverSays: "hunter2"},
		{name: "user in what is no URL", base: "http://ann:hunter2@host:x", wantErr: "dingtalk: Options: BaseURL: is not a URL: it cannot be read", neverSays: "hunter2"},
		{name: "query", base: "http://host/?a=b", wantErr: "dingtalk: Options: BaseURL: has to be without a query and a fragment"},
		{name: "empty query", base: "http://host/?", wantErr: "dingtalk: Options: BaseURL: has to be without a query and a fragment"},
		{name: "fragment", base: "http://host/#", wantErr: "dingtalk: Options: BaseURL: has to be without a query and a fragment"},
		{name: "space", base: " http://host", wantErr: "dingtalk: Options: BaseURL: is not a URL: first path segment in URL cannot contain colon"},
		{name: "only the second is bad", base: "http://host", api: "host", wantErr: "dingtalk: Options: APIBaseURL: has to begin with http:// or https://"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := testOptions()
			o.BaseURL, o.APIBaseURL = tt.base, tt.api
			c, err := New(&o)
			if tt.wantErr != "" {
				if err == nil || err.Error() != tt.wantErr {
					t.Errorf("New: error %v, want %s", err, tt.wantErr)
				}
				if err != nil && tt.neverSays != "" && strings.Contains(err.Error(), tt.neverSays) {
					t.Errorf("the error says %q", tt.neverSays)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.oapi != tt.wantOapi || c.api != tt.wantAPI {
				t.Errorf("base URLs %q and %q, want %q and %q", c.oapi, c.api, tt.wantOapi, tt.wantAPI)
			}
		})
	}
}

func TestNewCredentials(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options Options
		want    string
	}{
		{"none", Options{}, "dingtalk: Options: AppKey and AppSecret are needed, or CorpID and CorpSecret"},
		{"key without secret", Options{AppKey: "k"}, "dingtalk: Options: AppSecret: is empty, but AppKey is given"},
		{"secret without key", Options{AppSecret: "s"}, "dingtalk: Options: AppKey: is empty, but AppSecret is given"},
		{"corpid without secret", Options{AppKey: "k", AppSecret: "s", CorpID: "c"}, "dingtalk: Options: CorpSecret: is empty, but CorpID is given"},
		{"corpsecret without id", Options{CorpSecret: "s"}, "dingtalk: Options: CorpID: is empty, but CorpSecret is given"},
		{"newer call without app pair", Options{CorpID: "c", CorpSecret: "s", PreferAccessToken: true}, "dingtalk: Options: PreferAccessToken: needs AppKey and AppSecret"},
		{"app pair", Options{AppKey: "k", AppSecret: "s"}, ""},
		{"corp pair", Options{CorpID: "c", CorpSecret: "s"}, ""},
		{"both", testOptions(), ""},
		{"tries", Options{AppKey: "k", AppSecret: "s", Tries: -1}, "dingtalk: Options: Tries: is -1, but has to be 1 or more, or 0 for 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(&tt.options)
			if got := message(err); got != tt.want {
				t.Errorf("New: error %q, want %q", got, tt.want)
			}
		})
	}
	if _, err := New(nil); message(err) != tests[0].want {
		t.Errorf("of nil: error %v", err)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestRequests checks what goes out, byte for byte.
func TestRequests(t *testing.T) {
	t.Parallel()
	type sent struct{ Method, URL, ContentType, Token, Body string }
	const token = "?access_token=" + testToken
	ctx := t.Context()
	tests := []struct {
		name    string
		options func(*Options)
		call    func(*Client) error
		want    []sent
	}{
		{"Token by the app's pair", nil,
			func(c *Client) error { _, err := c.Token(ctx); return err },
			[]sent{{"GET", "/gettoken?appkey=dingapp&appsecret=app+s3cr%26t%3D%22%3Cx%3E%2Fy", "", "", ""}}},
		{"Token by the organization's pair", func(o *Options) { o.AppKey, o.AppSecret = "", "" },
			func(c *Client) error { _, err := c.Token(ctx); return err },
			[]sent{{"GET", "/gettoken?corpid=dingcorp&corpsecret=corp%25s3cr%2Bt%5Cz", "", "", ""}}},
		{"AccessToken", nil,
			func(c *Client) error { _, err := c.AccessToken(ctx); return err },
			[]sent{{"POST", "/v1.0/oauth2/accessToken", "application/json", "", `{"appKey":"dingapp","appSecret":"app s3cr&t=\"<x>/y"}`}}},
		{"both token calls share a token", nil,
			func(c *Client) error {
				_, err := c.AccessToken(ctx)
				_, err2 := c.Token(ctx)
				return errors.Join(err, err2)
			},
			[]sent{{"POST", "/v1.0/oauth2/accessToken", "application/json", "", `{"appKey":"dingapp","appSecret":"app s3cr&t=\"<x>/y"}`}}},
		{"GetSession", warm,
			func(c *Client) error { _, _, err := c.GetSession(ctx, "经理<1>"); return err },
			[]sent{{"POST", "/topapi/v2/user/getsession" + token, "application/json", "", `{"userid":"经理<1>"}`}}},
		{"CreateSession", warm,
			func(c *Client) error {
				_, err := c.CreateSession(ctx, SessionParams{SessionID: "s-1", UserID: "u", ChatID: "chat", AppKey: "k"})
				return err
			},
			[]sent{{"POST", "/topapi/v2/im/create_session" + token, "application/json", "", `{"app_key":"k","chatid":"chat","session_id":"s-1","user_id":"u"}`}}},
		{"CloseSession with the client's app key", warm,
			func(c *Client) error { return c.CloseSession(ctx, SessionParams{SessionID: "s-1", UserID: "u"}) },
			[]sent{{"POST", "/topapi/v2/im/close_session" + token, "application/json", "", `{"app_key":"dingapp","session_id":"s-1","user_id":"u"}`}}},
		{"tokens by the newer call", func(o *Options) { o.PreferAccessToken = true },
			func(c *Client) error { return c.CloseSession(ctx, SessionParams{SessionID: "s-1", UserID: "u"}) },
			[]sent{
				{"POST", "/v1.0/oauth2/accessToken", "application/json", "", `{"appKey":"dingapp","appSecret":"app s3cr&t=\"<x>/y"}`},
				{"POST", "/topapi/v2/im/close_session" + token, "application/json", "", `{"app_key":"dingapp","session_id":"s-1","user_id":"u"}`},
			}},
		{"Call with JSON", warm,
			func(c *Client) error {
				return c.Call(ctx, "POST", "/topapi/v2/user/get", map[string]string{"userid": "u"}, nil)
			},
			[]sent{{"POST", "/topapi/v2/user/get" + token, "application/json", "", `{"userid":"u"}`}}},
		{"Call with a form", warm,
			func(c *Client) error {
				return c.Call(ctx, "POST", "/topapi/v2/user/get", url.Values{"userid": {"a b"}}, nil)
			},
			[]sent{{"POST", "/topapi/v2/user/get" + token, "application/x-www-form-urlencoded", "", `userid=a+b`}}},
		{"Call of a legacy path with a query", warm,
			func(c *Client) error { return c.Call(ctx, "GET", "/user/get?userid=u%2F1", nil, nil) },
			[]sent{{"GET", "/user/get?userid=u%2F1&access_token=" + testToken, "", "", ""}}},
		{"Call with a token of its own", warm,
			func(c *Client) error {
				return c.Call(ctx, "POST", "/robot/send?access_token=robot", map[string]string{"msgtype": "text"}, nil)
			},
			[]sent{{"POST", "/robot/send?access_token=robot", "application/json", "", `{"msgtype":"text"}`}}},
		{"Call under a version", warm,
			func(c *Client) error { return c.Call(ctx, "PUT", "/v1.0/contact/users/me?x=1", []int{1}, nil) },
			[]sent{{"PUT", "/v1.0/contact/users/me?x=1", "application/json", testToken, `[1]`}}},
		{"Call under another version", warm,
			func(c *Client) error { return c.Call(ctx, "DELETE", "/v2.0/wiki/spaces", nil, nil) },
			[]sent{{"DELETE", "/v2.0/wiki/spaces", "", testToken, ""}}},
		{"Call of what only looks like a version", warm,
			func(c *Client) error { return c.Call(ctx, "GET", "/v1.x/y", nil, nil) },
			[]sent{{"GET", "/v1.x/y" + token, "", "", ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []sent
			options := testOptions()
			if tt.options != nil {
				tt.options(&options)
			}
			warmed := options.BaseURL == "warm"
			c := serve(t, options, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = append(got, sent{r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), r.Header.Get(tokenHeader), string(body)})
				answer(w, map[string]string{
					"/gettoken":                    okToken,
					"/v1.0/oauth2/accessToken":     okNew,
					"/topapi/v2/user/getsession":   okNone,
					"/topapi/v2/im/create_session": okCreate,
					"/topapi/v2/im/close_session":  okClose,
					"/topapi/v2/user/get":          `{"errcode":0}`,
					"/user/get":                    `{"errcode":0}`,
					"/robot/send":                  `{"errcode":0}`,
					"/v1.0/contact/users/me":       `{}`,
					"/v2.0/wiki/spaces":            `{}`,
					"/v1.x/y":                      `{"errcode":0}`,
				}[r.URL.Path])
			})
			if warmed {
				if _, err := c.Token(ctx); err != nil {
					t.Fatal(err)
				}
				got = nil
			}
			if err := tt.call(c); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// warm asks for a client that holds a token already.
func warm(o *Options) { o.BaseURL = "warm" }

func TestTwoBaseURLs(t *testing.T) {
	t.Parallel()
	options := testOptions()
	options.BaseURL, options.APIBaseURL = "http://oapi.test/o", "http://api.test/a"
	var got []string
	c := offline(t, options, func(r *http.Request) (*http.Response, error) {
		got = append(got, r.URL.Host+r.URL.Path)
		if strings.HasSuffix(r.URL.Path, "/gettoken") {
			return respond(200, okToken), nil
		}
		return respond(200, `{"errcode":0}`), nil
	})
	for _, path := range []string{"/topapi/x", "/v1.0/x", "/x"} {
		if err := c.Call(t.Context(), "GET", path, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"oapi.test/o/gettoken", "oapi.test/o/topapi/x", "api.test/a/v1.0/x", "oapi.test/o/x"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}

func TestCallResults(t *testing.T) {
	t.Parallel()
	type department struct {
		Result []struct {
			ID int64 `json:"dept_id"`
		} `json:"result"`
	}
	const topapi, versioned = "/topapi/v2/department/listsub", "/v1.0/x"
	tests := []struct {
		name, path string
		status     int
		body       string
		out, want  any
		wantErr    string
	}{
		{name: "struct", path: topapi, status: 200, body: `{"errcode":0,"result":[{"dept_id":9007199254740993}]}`,
			out: new(department), want: &department{Result: []struct {
				ID int64 `json:"dept_id"`
			}{{9007199254740993}}}},
		{name: "raw", path: topapi, status: 200, body: `{"errcode":0,"x":[1, 2]}`, out: new(json.RawMessage), want: raw(`{"errcode":0,"x":[1, 2]}`)},
		{name: "errcode as text", path: topapi, status: 200, body: `{"errcode":"0"}`},
		{name: "array under a version", path: versioned, status: 201, body: `[1,2]`, out: new([]int), want: &[]int{1, 2}},
		{name: "no content", path: versioned, status: 204},
		{name: "no content where one was wanted", path: versioned, status: 204, out: new([]int),
			wantErr: `dingtalk: GET /v1.0/x: not a reply of the platform: it is empty (HTTP 204, Content-Type "", no body)`},
		{name: "error as text", path: topapi, status: 200, body: `{"errcode":"60121","errmsg":"找不到该用户"}`, wantErr: "dingtalk: GET /topapi/v2/department/listsub: errcode 60121: 找不到该用户"},
		{name: "sub_code in the message alone", path: "/x", status: 200, body: `{"errcode":88,"errmsg":"ding talk error[subcode=60011,submsg=没有]"}`, wantErr: "dingtalk: GET /x: errcode 88, sub_code 60011: ding talk error[subcode=60011,submsg=没有]"},
		{name: "errcode under a version", path: versioned, status: 200, body: `{"errcode":404,"errmsg":"请求的URI地址不存在"}`, wantErr: "dingtalk: GET /v1.0/x: errcode 404: 请求的URI地址不存在"},
		{name: "requestId", path: versioned, status: 500, body: `{"requestId":"ID","code":"unknownError","message":"未知错误"}`, wantErr: "dingtalk: GET /v1.0/x: HTTP 500, code unknownError: 未知错误 (request id ID)"},
		{name: "a success with a field code", path: versioned, status: 200, body: `{"code":"x"}`},
		{name: "wrong type", path: topapi, status: 200, body: `{"errcode":0,"result":{}}`, out: new(department),
			wantErr: `dingtalk: GET /topapi/v2/department/listsub: not a reply of the platform: result is of the wrong type, object (HTTP 200, Content-Type "application/json", body "{\"errcode\":0,\"result\":{}}")`},
		{name: "wrong type as a whole", path: versioned, status: 200, body: `[1]`, out: new(department),
			wantErr: `dingtalk: GET /v1.0/x: not a reply of the platform: it is of the wrong type, array (HTTP 200, Content-Type "application/json", body "[1]")`},
		{name: "blocked under a version", path: versioned, status: 200, body: `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"xxx"}`,
			wantErr: `dingtalk: GET /v1.0/x: not a reply of the platform: the caller's address is blocked (HTTP 200, Content-Type "application/json", body "{\"status\":1111,\"wait\":5,\"source\":\"x5\",\"punish\":\"deny\",\"uuid\":\"xxx\"}")`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, testOptions(), func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/gettoken" {
					answer(w, okToken)
					return
				}
				if tt.status != http.StatusNoContent {
					w.Header().Set("Content-Type", "application/json")
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			err := c.Call(t.Context(), "GET", tt.path, nil, tt.out)
			if got := message(err); got != tt.wantErr {
				t.Fatalf("Call: error %q, want %q", got, tt.wantErr)
			}
			if tt.want != nil {
				if diff := cmp.Diff(tt.want, tt.out); diff != "" {
					t.Errorf("out (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func raw(s string) *json.RawMessage { return new(json.RawMessage(s)) }

func TestCallArguments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, path string
		in, out            any
		want               string
	}{
		{name: "no slash", method: "GET", path: "topapi/x", want: "dingtalk: GET topapi/x: the path has to begin with / and to be without a fragment"},
		{name: "another host", method: "GET", path: "@evil.test/", want: "dingtalk: GET @evil.test/: the path has to begin with / and to be without a fragment"},
		{name: "empty", method: "GET", path: "", want: "dingtalk: GET : the path has to begin with / and to be without a fragment"},
		{name: "fragment", method: "GET", path: "/x#y", want: "dingtalk: GET /x#y: the path has to begin with / and to be without a fragment"},
		{name: "escape", method: "GET", path: "/%zz", want: `dingtalk: GET /%zz: the path cannot be read: invalid URL escape "%zz"`},
		{name: "in", method: "POST", path: "/x", in: func() {}, want: "dingtalk: POST /x: the parameters cannot be encoded: json: unsupported type: func()"},
		{name: "out is no pointer", method: "GET", path: "/x", out: 1, want: "dingtalk: Call: out has to be a pointer that is not nil, or nil itself"},
		{name: "out is a nil pointer", method: "GET", path: "/x", out: (*int)(nil), want: "dingtalk: Call: out has to be a pointer that is not nil, or nil itself"},
		{name: "method", method: "NO SUCH", path: "/x", want: `dingtalk: NO SUCH /x: NO SUCH "https://oapi.dingtalk.com/x": net/http: invalid method "NO SUCH"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := offline(t, testOptions(), func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != "/gettoken" {
					t.Errorf("%s was called", r.URL.Path)
				}
				return respond(200, okToken), nil
			})
			if got := message(c.Call(t.Context(), tt.method, tt.path, tt.in, tt.out)); got != tt.want {
				t.Errorf("Call: error %q, want %q", got, tt.want)
			}
		})
	}
	c := offline(t, Options{CorpID: "c", CorpSecret: "s"}, func(*http.Request) (*http.Response, error) {
		t.Error("a call was made")
		return respond(200, okNew), nil
	})
	_, err := c.AccessToken(t.Context())
	if want := "dingtalk: accessToken: needs Options.AppKey and Options.AppSecret"; message(err) != want {
		t.Errorf("AccessToken: error %v, want %s", err, want)
	}
}

// TestImports checks that the client needs only the standard library, and packages of this module that need no more.
func TestImports(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "internal/wire"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || files == nil {
			t.Fatalf("%s: no files (%v)", dir, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range f.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				first, _, _ := strings.Cut(path, "/")
				own := path == "github.com/dingmock/dingmock/client/internal/wire"
				if strings.Contains(first, ".") && !own {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
}
