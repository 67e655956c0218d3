package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// marked are requests that hold a secret in each place where one may stand, each a text of its own.
func marked() (list []*http.Request, secrets []string) {
	secret := func(place string) string {
		s := fmt.Sprintf("M4rk%d%s", len(secrets), strings.ReplaceAll(place, " ", "")) // which says where it stood
		secrets = append(secrets, s+"x9x9")
		return s + "x9x9"
	}
	add := func(method, target, media, body string, header ...string) {
		r, err := http.NewRequest(method, "http://replaced"+target, strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		if media != "" {
			r.Header.Set("Content-Type", media)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		list = append(list, r)
	}
	const json, form = "application/json", "application/x-www-form-urlencoded"
	names := []string{
		"access_token", "accessToken", "appsecret", "appSecret", "corpsecret", "clientSecret", "suite_secret", "suiteTicket", "jsapi_ticket", "sign", "signature",
		"password", "refreshToken", "user_access_token", "aes_key", "encodingAesKey", "authCode", "tmp_auth_code", "nextToken",
	}
	for _, name := range names {
		add("GET", "/gettoken?appkey=mock-m&"+name+"="+secret("query"), "", "")
		add("POST", "/topapi/v2/user/getsession?x=1", form, "userid=u&"+name+"="+secret("form"))
		add("POST", "/v1.0/oauth2/accessToken", json, `{"appKey":"mock-m","`+name+`":"`+secret("JSON")+`"}`)
		add("POST", "/topapi/none", json, `{"deep":[{"`+name+`" : "`+secret("deep")+`"}]}`)
		add("POST", "/topapi/v2/im/create_session", "text/plain", "says "+name+"="+secret("text"))
	}
	add("GET", "/gettoken?url="+url.QueryEscape("https://h/?access_token="+secret("nested")), "", "")
	add("POST", "/topapi/v2/user/getsession", json, `{"\u0061ccess_token":"`+secret("escaped name")+`"}`)
	add("POST", "/topapi/v2/user/getsession", json, `{"userid":"https:\/\/h\/?access_token=`+secret("URL in JSON")+`"}`)
	add("GET", "/gettoken?%61ppsecret="+secret("escaped query")+"&appkey=mock-m", "", "")
	add("GET", "/user/get", "", "", "Referer", "https://h/?access_token="+secret("Referer"))
	add("GET", "/user/get", "", "", "Authorization", "Bearer "+secret("Authorization"), "Cookie", "a="+secret("Cookie"))
	add("POST", "/v1.0/robot/oToMessages/batchSend", json, "{}", "x-acs-dingtalk-access-token", secret("header"))
	add("POST", "/v1.0/contact/users", json, "{}", "X-My-Signature", secret("signature header"))
	add("GET", "/gettoken?callback="+url.QueryEscape("http://u:"+secret("password")+"@h/"), "", "")
	return list, secrets
}

// None of the secrets that a program sends, in whatever place, is in anything that any command prints or writes.
func TestNoSecretShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fake := startServe(t, nil, "--log-format", "text")
	proxy, proxied, end := startProxy(t, "--upstream", fake.url, "--record", filepath.Join(dir, "record"), "--junit", filepath.Join(dir, "proxy.xml"), "--report", filepath.Join(dir, "proxy.txt"), "--github")
	requests, secrets := marked()
	for _, r := range requests {
		to, err := url.Parse(proxy)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Scheme, r.URL.Host, r.Host = to.Scheme, to.Host, ""
		resp, err := http.DefaultTransport.RoundTrip(r.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	var all bytes.Buffer
	for _, path := range []string{"/verdict", "/apps/mock-m/journal", "/apps/_/journal", "/apps/default/journal", "/journal", "/apps/mock-m/verdict"} {
		all.WriteString(text(t, http.DefaultClient, fake.url+"/_mock"+path))
	}
	_, _, plain := verdictText(t, fake.url)
	all.WriteString(plain)
	_, verdict, errors := tryRun(t, nil, "verdict", "--url", fake.url, "--junit", filepath.Join(dir, "verdict.xml"), "--report", filepath.Join(dir, "verdict.txt"), "--write-baseline", filepath.Join(dir, "baseline"), "--github")
	_, printed := end()
	fake.end(t)
	for _, text := range []string{verdict, errors, printed, proxied.String(), fake.stdout.String(), fake.stderr.String()} {
		all.WriteString(text)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 6 {
		t.Fatalf("files %v, error %v", files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	if n := strings.Count(all.String(), "curl "); n < len(requests) {
		t.Errorf("there are but %d curl lines of %d requests", n, len(requests))
	}
	for _, secret := range secrets {
		if at := strings.Index(all.String(), secret); at >= 0 {
			t.Errorf("%s is shown: …%s…", secret, all.String()[max(0, at-160):min(all.Len(), at+40)])
		}
	}
}
