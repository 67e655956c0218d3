package paths_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/catalogue/paths"
)

func TestFind(t *testing.T) {
	t.Parallel()
	app := paths.Token{In: "header", Name: "x-acs-dingtalk-access-token", Of: "app"}
	query := paths.Token{In: "query", Name: "access_token", Of: "app"}
	for _, test := range []struct {
		path string
		want []paths.Call
	}{
		{"/user/get", []paths.Call{{ID: "user.get", Method: "GET", Path: "/user/get", Token: query, Documented: true}}},
		{"/topapi/v2/user/get", []paths.Call{{ID: "v2.user.get", Method: "POST", Path: "/topapi/v2/user/get", Token: query, Documented: true}}},
		{"/gettoken", []paths.Call{{ID: "gettoken", Method: "GET", Path: "/gettoken", Documented: true}}},
		{"/robot/send", []paths.Call{{ID: "robot.send", Method: "POST", Path: "/robot/send", Token: paths.Token{In: "query", Name: "access_token", Of: "robot"}, Documented: true}}},
		{"/sns/getuserinfo_bycode", []paths.Call{{ID: "sns.getuserinfo_bycode", Method: "POST", Path: "/sns/getuserinfo_bycode", Token: paths.Token{Of: "signature"}, Documented: true}}},
		{"/v1.0/gateway/connections/open", []paths.Call{{ID: "openConnection", Method: "POST", Path: "/v1.0/gateway/connections/open"}}},
		{"/v1.0/card/instances", []paths.Call{
			{ID: "createCard", Method: "POST", Path: "/v1.0/card/instances", Token: app, Documented: true},
			{ID: "card_1_0.updateCard", Method: "PUT", Path: "/v1.0/card/instances", Token: app, Documented: true},
		}},
		{"/v1.0/contact/users/zPr8gVpb", []paths.Call{{ID: "contact_1_0.getUser", Method: "GET", Path: "/v1.0/contact/users/{unionId}", Token: app, Documented: true}}},
		{"/v1.0/contact/users/", nil},
		{"/v1.0/contact/users", nil},
		{"/v1.0/yida/processes/P-1definitions/designs", []paths.Call{
			{ID: "getProcessDesign", Method: "GET", Path: "/v1.0/yida/processes/{processId}definitions/designs", Token: app, Documented: true},
		}},
		{"/v1.0/yida/processes/definitions/designs", []paths.Call{
			{ID: "getProcessDefinition", Method: "GET", Path: "/v1.0/yida/processes/definitions/{processInstanceId}", Token: app, Documented: true},
		}},
		{"/topapi/v2/im/create_session", nil},
		{"/user/get/", nil},
		{"//user/get", nil},
		{"", nil},
		{"/", nil},
		{strings.Repeat("/x", 4096), nil},
	} {
		got := paths.Find(test.path)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.path, diff)
		}
	}
}

// Each call is found by its own path, and each is whole.
func TestAll(t *testing.T) {
	t.Parallel()
	all := paths.All()
	ids := map[string]bool{}
	documented, guessed := 0, 0
	for _, c := range all {
		if ids[c.ID] {
			t.Errorf("%s is the id of two calls", c.ID)
		}
		ids[c.ID] = true
		found := false
		for _, f := range paths.Find(strings.NewReplacer("{", "x", "}", "x").Replace(c.Path)) {
			found = found || f == c
		}
		if !found {
			t.Errorf("%s %s is not found by its path", c.Method, c.Path)
		}
		if c.Documented {
			documented++
		}
		if c.Guessed {
			guessed++
		}
	}
	if len(all) < 4000 || documented < 1500 || guessed < 600 {
		t.Errorf("%d calls, %d documented, %d guessed: the list is not whole", len(all), documented, guessed)
	}
}

func BenchmarkFind(b *testing.B) {
	for b.Loop() {
		paths.Find("/v1.0/contact/users/zPr8gVpb")
		paths.Find("/topapi/v2/user/geti")
	}
}
