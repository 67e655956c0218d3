package contract

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/dingmock/dingmock"
)

// pathCases check the answers to paths that are no operation's, in each dialect.
func pathCases(doc *dingmock.Document) []Case {
	var list []Case
	for _, f := range doc.Families() {
		name := f.Answers["unknown-path"]
		e := doc.ErrorReply(name)
		list = append(list, Case{
			ID: "paths/" + f.Name + "-unknown", Level: MUST, Needs: NeedsRaw,
			Rule: fmt.Sprintf("A path under %s that the platform does not have is answered with %q and %s, by any method, with or without a token.", f.Root(), f.ContentType, e.Text),
			run: func(c *trial) {
				for _, path := range []string{"contract/notexist", "contract_notexist", "v9/user/get.json"} {
					for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
						c.unknown(f, method, f.Root()+path)
					}
					q := unknownCall(http.MethodPost, f.Root()+path)
					q.query = []pair{{"access_token", "x"}}
					q.header.Set("X-Acs-Dingtalk-Access-Token", "x")
					c.wantUnknown(f, q)
				}
			},
		}, Case{
			ID: "paths/" + f.Name + "-exact", Level: MUST, Needs: NeedsRaw,
			Rule: "A path is an operation's to the letter: one slash more or less, or another case, is another path.",
			run: func(c *trial) {
				for _, op := range c.doc.Operations() {
					if op.Family.Name != f.Name {
						continue
					}
					last := strings.LastIndexByte(op.Path, '/')
					for _, path := range []string{op.Path + "/", "/" + op.Path, op.Path[:last] + "/" + op.Path[last:], op.Path[:last+1] + strings.ToUpper(op.Path[last+1:]), strings.ToUpper(op.Path), op.Path + "x"} {
						c.unknown(c.doc.Family(path), op.Method, path)
					}
				}
			},
		})
	}
	list = append(list, Case{
		ID: "paths/host-ignored", Level: MUST, Needs: NeedsRaw | needsAppPair | needsStandIn,
		Rule: "The dialect of a path is that of its prefix alone, whatever host it is asked of.",
		run: func(c *trial) {
			for _, f := range c.doc.Families() {
				for _, host := range []string{"oapi.dingtalk.com", "api.dingtalk.com", "example.com"} {
					q := unknownCall(http.MethodGet, f.Root()+"contract/notexist")
					q.host = host
					c.wantUnknown(f, q)
				}
			}
			q := c.valid(c.op("accessToken"))
			q.host = "oapi.dingtalk.com"
			c.succeed(q)
		},
	})
	return list
}

func unknownCall(method, path string) *call {
	return (&call{method: method, path: path, header: http.Header{}}).off(dingmock.KindUnknownPath)
}

// unknown ends the case if a path is not answered as one that the platform does not have.
func (c *trial) unknown(f *dingmock.Family, method, path string) {
	c.wantUnknown(f, unknownCall(method, path))
}

func (c *trial) wantUnknown(f *dingmock.Family, q *call) {
	x := c.answer(q)
	c.wantError(x, f.Answers["unknown-path"], "apiName", f.API(q.path))
	if c.runner.bytes {
		c.equal(x, "the header Content-Type", x.Response.Header.Get("Content-Type"), f.ContentType)
	}
}
