package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/mockserver"
)

// listed is the maximum number of apps that the banner names.
const listed = 8

// banner tells a person where the fake is, which apps it has, and how to try it. The only secret that it shows is the default
// app's, which is public: others may be real.
func (c *serveCommand) banner(w io.Writer, f *front, apps []mockserver.AppState) {
	var b bytes.Buffer
	url := baseURL(f.plain[0].Addr())
	fmt.Fprintf(&b, "dingmock %s answers as the DingTalk open platform does, at\n\n  %s\n", versionString(), url)
	for _, l := range f.tls {
		fmt.Fprintf(&b, "  %s, also by the names of the platform\n", tlsURL(l.Addr()))
	}
	for _, l := range f.proxy {
		fmt.Fprintf(&b, "  and as the proxy %s for the names of the platform\n", baseURL(l.Addr()))
	}
	fmt.Fprintf(&b, "\nWatch and steer it on the page %s/_mock/ui/\n", url)
	if f.relay != nil {
		fmt.Fprintf(&b, "\nClients have to trust the certificate %s/_mock/ca.pem (dingmock ca prints it).\n", url)
	}
	b.WriteByte('\n')
	for i, a := range apps {
		if i == listed {
			fmt.Fprintf(&b, "… and %d apps more\n", len(apps)-i)
			break
		}
		if isDefault(a) {
			fmt.Fprintf(&b, "app %s: appkey %s, appsecret %s\n", a.Name, a.AppKey, a.AppSecret)
			fmt.Fprintf(&b, "    or corpid %s, corpsecret %s\n", a.CorpID, a.CorpSecret)
			continue
		}
		fmt.Fprintf(&b, "app %s: appkey %s, corpid %s, secrets as given\n", a.Name, a.AppKey, a.CorpID)
	}
	if !c.NoAutoApps {
		b.WriteString("An appkey of the form mock-… with any secret makes an app of its own on first use.\n")
	}
	c.try(&b, url, apps)
	_, _ = io.WriteString(w, printable.Text(b.String()))
}

// try writes lines to paste into a shell, if there is an app to write them for.
func (c *serveCommand) try(b *bytes.Buffer, url string, apps []mockserver.AppState) {
	var key, secret, note string
	switch {
	case len(apps) > 0 && isDefault(apps[0]):
		key, secret = apps[0].AppKey, apps[0].AppSecret
	case !c.NoAutoApps:
		key, secret = "mock-demo", "demo"
	case len(apps) > 0:
		key, secret = apps[0].AppKey, "$APPSECRET"
		note = " (with the secret of " + key + " in APPSECRET)"
	default:
		return
	}
	fmt.Fprintf(b, "\nTry it%s:\n\n", note)
	fmt.Fprintf(b, `TOKEN=$(curl -sS "%s/gettoken?appkey=%s&appsecret=%s" | grep -o '[0-9a-f]\{32\}'); echo "$TOKEN"`+"\n", url, key, secret)
	if !c.WithoutSessions {
		const call = `curl -sS -w '\n' -H 'Content-Type: application/json' -d '%s' "%s%s?access_token=$TOKEN"` + "\n"
		fmt.Fprintf(b, call, `{"session_id":"s-1","app_key":"`+key+`","user_id":"u-1"}`, url, "/topapi/v2/im/create_session")
		fmt.Fprintf(b, call, `{"userid":"u-1"}`, url, "/topapi/v2/user/getsession")
	}
	b.WriteByte('\n')
}

func isDefault(a mockserver.AppState) bool {
	return a.AppKey == mockserver.DefaultApp().AppKey && a.AppSecret == mockserver.DefaultApp().AppSecret
}
