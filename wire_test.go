package dingmock_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dingmock/dingmock"
)

// ordered returns a document whose only reply has this family, this schema and these errors.
func ordered(t *testing.T, family, schema, errors string) *dingmock.Reply {
	t.Helper()
	status := "200"
	if strings.Contains(errors, "status: 400") {
		status = "400"
	}
	text := small(`responses: {"`+status+`": {description: d, x-errors: [`+strings.Join(errorNames.FindAllString(errors, -1), ", ")+`], content: {application/json: {schema: `+schema+`}}}}`,
		"x-errors: {"+errors+"}\ncomponents: {securitySchemes: {k: {type: apiKey, in: query, name: k}}, responses: {R: {description: d, x-http-status: 200}}}\n"+
			"x-families: {f: {prefix: /, token: k, unknown_path_reply: R, "+family+"}}")
	doc, err := dingmock.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return doc.Operations()[0].Replies[0]
}

var errorNames = regexp.MustCompile(`\be[0-9]\b`)

// TestKeyOrders has the orders in which replies of the platform were seen, by what the call is about; D:nnnn is its page. ties are keys
// of one bucket, in the order in which they were put into the map: which of them goes first, the rule does not say.
func TestKeyOrders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, order, keys, ties string }{
		{"contacts 1, /topapi envelope", "ascii", "errcode errmsg result request_id", ""},
		{"contacts 4.1, /topapi/v2/user/get", "ascii", "active admin avatar boss create_time dept_id_list dept_order_list email exclusive_account extension hide_mobile hired_date job_number leader_in_dept manager_userid mobile name org_email real_authed remark role_list senior state_code telephone title unionid userid work_place", ""},
		{"contacts 4.1, role_list", "ascii", "group_name id name", ""},
		{"contacts 4.1, dept_order_list", "ascii", "dept_id order", ""},
		{"contacts 4.1, leader_in_dept", "ascii", "dept_id leader", ""},
		{"contacts 4.2, /topapi/v2/user/create", "ascii", "unionid userid", ""},
		{"contacts 4.5, lists", "ascii", "has_more list next_cursor", ""},
		{"contacts 4.5, /topapi/v2/user/list", "ascii", "active admin avatar boss create_time dept_id_list dept_order email exclusive_account extension hide_mobile hired_date job_number leader mobile name org_email remark state_code telephone title unionid userid work_place", ""},
		{"contacts 4.5, /topapi/user/listsimple", "ascii", "name userid", ""},
		{"contacts 4.5, /topapi/user/listadmin", "ascii", "sys_level userid", ""},
		{"contacts 4.6, /topapi/user/getbyunionid", "ascii", "contact_type userid", ""},
		{"contacts 5.2, /topapi/v2/department/get", "ascii", "auto_add_user auto_approve_apply brief code create_dept_group dept_group_chat_id dept_id dept_manager_userid_list dept_permits group_contain_sub_dept hide_dept member_count name order org_dept_owner outer_dept outer_permit_depts outer_permit_users owning_member_count parent_id source_identifier user_permits", ""},
		{"contacts 5.5, /topapi/v2/department/listsub", "ascii", "auto_add_user create_dept_group dept_id ext name parent_id source_identifier", ""},
		{"contacts 6, /topapi/role/list", "ascii", "hasMore list nextCursor", ""},
		{"contacts 6, groups of it", "ascii", "groupId name roles", ""},
		{"contacts 6, /topapi/role/simplelist", "ascii", "manageScopes name userid", ""},
		{"contacts 6, /topapi/role/getrolegroup", "ascii", "errcode errmsg role_group request_id", ""},
		{"contacts 6, roles of it", "ascii", "role_id role_name", ""},

		{"contacts 6, /role/add_role", "java-hash", "errcode roleId errmsg", ""},
		{"contacts 6, /role/add_role_group", "java-hash", "errcode groupId errmsg", ""},
		{"contacts 7, /v1.0/contact/users/search", "java-hash", "hasMore totalCount list", "totalCount list"},
		{"contacts 8, /user/get D:1457", "java-hash-64", "errcode exclusiveAccount unionid openId roles remark userid managerUserid isLeaderInDepts isBoss hiredDate isSenior tel department workPlace email orderInDepts dingId mobile errmsg active avatar isAdmin tags isHide orgEmail jobnumber name extattr stateCode position realAuthed", "workPlace email errmsg active avatar isAdmin tags isHide"},
		{"contacts 8, /user/get with little", "java-hash-64", "errcode unionid userid isLeaderInDepts isBoss isSenior department orderInDepts errmsg active avatar isAdmin tags isHide name", "errmsg active avatar isAdmin tags isHide"},
		{"contacts 8, roles of it", "[id, name, groupName, type]", "id name groupName type", ""},
		{"contacts 8, /user/list", "java-hash-4", "errcode hasMore errmsg userlist", "errcode hasMore errmsg userlist"},
		{"contacts 8, users of it D:1460", "java-hash-64", "unionid remark userid isBoss hiredDate tel department workPlace email order isLeader mobile active isAdmin avatar isHide orgEmail jobnumber name extattr stateCode position", "workPlace email isAdmin avatar"},
		{"contacts 8, /user/simplelist D:1458", "java-hash-4", "errcode hasMore errmsg userlist", ""},
		{"contacts 8, users of it", "java-hash", "name userid", ""},
		{"contacts 8, /user/getDeptMember D:1459", "java-hash-4", "errcode errmsg userIds", ""},
		{"contacts 8, /user/get_by_mobile D:1463", "java-hash", "errcode errmsg userid", ""},
		{"contacts 8, /user/getUseridByUnionid D:1464", "java-hash", "errcode errmsg contactType userid", ""},
		{"contacts 8, /user/get_admin D:1465", "java-hash-8", "errcode errmsg adminList", ""},
		{"contacts 8, admins of it", "java-hash", "sys_level userid", ""},
		{"contacts 8, /user/get_org_user_count D:1461", "java-hash", "errcode count errmsg", ""},
		{"contacts 8, /department/list D:1467", "java-hash-4", "errcode department errmsg", "errcode department"},
		{"contacts 8, departments of it", "java-hash", "sourceIdentifier createDeptGroup name id autoAddUser parentid", ""},
		{"contacts 8, /department/get D:1466", "java-hash", "errcode sourceIdentifier userPermits userPerimits orgDeptOwner outerDept errmsg deptManagerUseridList parentid groupContainSubDept outerPermitUsers outerPermitDepts deptPerimits createDeptGroup name deptGroupChatId id autoAddUser deptHiding deptPermits order", "parentid groupContainSubDept name deptGroupChatId"},
		{"contacts 8, /department/list_ids D:1468", "java-hash", "errcode sub_dept_id_list errmsg", ""},
		{"contacts 8, /department/list_parent_depts_by_dept D:1469", "java-hash", "errcode parentIds errmsg", ""},
		{"contacts 8, /department/list_parent_depts D:1470", "[errcode, department, errmsg]", "errcode department errmsg", ""},
		{"contacts 8, /auth/scopes D:0053", "java-hash", "errcode condition_field auth_user_field auth_org_scopes errmsg", "errcode condition_field"},
		{"contacts 8, auth_org_scopes of it", "java-hash", "authed_user authed_dept", ""},
		{"contacts 8, /user/create D:1453", "java-hash-8", "errcode errmsg unionId userid", ""},
		{"contacts 8, /department/create D:1471", "java-hash", "errcode errmsg id", ""},

		{"login, /user/getuserinfo", "java-hash", "errcode sys_level is_sys name errmsg deviceId userid", ""},
		{"login, /v1.0/contact/users/me", "java-hash", "nick unionId avatarUrl openId mobile stateCode visitor email", ""},
		{"login, /v1.0/oauth2/token", "java-hash", "access_token expires_in", ""},
		{"login, /v1.0/oauth2/jsapiTickets", "java-hash", "jsapiTicket expireIn", ""},
		{"login, /sso/getuserinfo D:1450", "java-hash", "errcode user_info is_sys corp_info errmsg", ""},

		{"login 1, /topapi/v2/user/getuserinfo", "ascii", "device_id name sys sys_level unionid userid", ""},
		{"login, /v1.0/oauth2/userAccessToken", "java-hash", "expireIn accessToken refreshToken", ""},
		{"login, its business errors", "[requestid, code, message]", "requestid code message", ""},
		{"login, /get_jsapi_ticket", "java-hash-4", "errcode errmsg ticket expires_in", ""},
		{"login, /sns/getuserinfo_bycode", "java-hash-8", "errcode errmsg user_info", ""},
		{"login, user_info of it", "java-hash", "nick unionid dingId openid main_org_auth_high_level", "dingId openid"},
		{"login, /sso/gettoken", "java-hash", "access_token errcode errmsg expires_in", "access_token errcode"},
		{"login, /sns/gettoken", "java-hash", "access_token errcode errmsg", "access_token errcode"},
		{"login, /service/get_corp_token", "java-hash", "errcode access_token errmsg", "errcode access_token"},
		{"login, user_info of /sso/getuserinfo", "java-hash", "name avatar userid email", ""},
		{"login, corp_info of /sso/getuserinfo", "java-hash", "corpid corp_name", ""},

		{"messages 2, a gateway error with its details", "java-hash", "code requestid message accessdenieddetail", ""},
		{"messages 3, work notices", "ascii", "errcode errmsg task_id request_id", ""},
		{"messages 3, progress of one", "ascii", "progress_in_percent status", ""},
		{"messages 5, /chat/create", "java-hash-8", "errcode errmsg chatid openConversationId conversationTag", ""},
		{"messages 5, /chat/send", "java-hash", "errcode errmsg messageId", "errmsg messageId"},
		{"messages 5, /chat/getReadList", "java-hash-8", "errcode errmsg next_cursor readUserIdList", ""},
		{"messages 5, /topapi/chat/updategroupnick", "ascii", "errcode errmsg success request_id", ""},
		{"messages 5, /topapi/chat/member/friendswitch/update", "[success, errcode, errmsg, request_id]", "success errcode errmsg request_id", ""},
		{"messages 5, scene groups", "java-hash", "errcode success errmsg", ""},
		{"messages 6, /media/upload", "java-hash", "errcode errmsg media_id created_at type", "errmsg media_id created_at"},
		{"messages 4, robots of /v1.0", "java-hash", "flowControlledStaffIdList invalidStaffIdList processQueryKey", ""},
		{"events 1, a wrong secret of a stream", "[requestid, code, message]", "requestid code message", ""},
		{"calls, /gettoken", "java-hash", "errcode access_token errmsg expires_in", "errcode access_token"},
		{"calls, /v1.0/oauth2/accessToken", "java-hash", "expireIn accessToken", ""},
		{"calls, errors of the gateway of /v1.0", "java-hash", "code requestid message", ""},
		{"calls, errors of /topapi under 88", "declared", "errcode sub_code sub_msg errmsg request_id", "errcode sub_code sub_msg errmsg request_id"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			keys := strings.Fields(test.keys)
			value := map[string]any{}
			for _, key := range keys {
				value[key] = 1
			}
			schema := "{type: object, required: [" + strings.Join(strings.Fields(test.ties), ", ") + "]}"
			family := "x-key-order: " + test.order
			want := `{"` + strings.Join(keys, `":1,"`) + `":1}`
			if got := string(ordered(t, family, schema, "").Encode(value)); got != want {
				t.Errorf("Encode\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	type pair struct {
		B, A any
		C    any `json:",omitempty"`
	}
	const session = `{oneOf: [{type: object, required: [errcode, errmsg, result], properties: {errcode: {maximum: 0}, result: {type: object, x-key-order: declared, required: [z, a], properties: {a: {type: object}}}}}, {type: object, required: [sub_code], x-key-order: [errcode, sub_code]}]}`
	for _, test := range []struct {
		name, family, schema string
		value                any
		want                 string
	}{
		{"a struct by its fields", "x-key-order: declared", "{}", pair{B: 1, A: pair{B: 2, A: 3}}, `{"B":1,"A":{"B":2,"A":3}}`},
		{"a struct by the schema", "x-key-order: declared", "{required: [A, C, B]}", pair{B: 1, A: 2, C: 3}, `{"A":2,"C":3,"B":1}`},
		{"a map by the schema, then by name", "", "{required: [d, b]}", map[string]any{"a": 1, "b": 2, "c": 3, "d": 4}, `{"d":4,"b":2,"a":1,"c":3}`},
		{"ascii at every depth, in arrays too", "x-key-order: ascii", "{}", pair{B: []pair{{B: 1, A: 2}}, A: map[string]any{"_": 1, "Z": 2, "a": 3}}, `{"A":{"Z":2,"_":1,"a":3},"B":[{"A":2,"B":1}]}`},
		{"an envelope at the top alone", "x-key-order: ascii", "{}", map[string]any{"request_id": 1, "z": 2, "a": map[string]any{"request_id": 1, "z": 2, "errcode": 3, "errmsg": 4, "a": 5}, "errmsg": 3, "errcode": 0}, `{"errcode":0,"errmsg":3,"a":{"a":5,"errcode":3,"errmsg":4,"request_id":1,"z":2},"z":2,"request_id":1}`},
		{"a schema's own order, of its object alone", "x-key-order: ascii", session, json.RawMessage(`{"request_id":"r","result":{"a":{"y":1,"x":2},"z":3},"errmsg":"ok","errcode":0}`), `{"errcode":0,"errmsg":"ok","result":{"z":3,"a":{"x":2,"y":1}},"request_id":"r"}`},
		{"another alternative's list, what it has not after", "x-key-order: ascii", session, map[string]any{"sub_code": "1", "errcode": 88, "errmsg": "e"}, `{"errcode":88,"sub_code":"1","errmsg":"e"}`},
		{"two keys of one bucket in declared order", "x-key-order: java-hash", "{required: [BB, Aa]}", map[string]any{"Aa": 1, "BB": 2}, `{"BB":2,"Aa":1}`},
		{"the other declared order", "x-key-order: java-hash", "{required: [Aa, BB]}", map[string]any{"Aa": 1, "BB": 2}, `{"Aa":1,"BB":2}`},
		{"no key that is absent", "x-key-order: [a, b, c]", "{}", map[string]any{"c": 1, "a": 2}, `{"a":2,"c":1}`},
		{"18 digits", "", "{}", map[string]any{"n": json.Number("176220178909140512"), "i": int64(176220178909140512), "r": json.RawMessage("[176220178909140512]")}, `{"i":176220178909140512,"n":176220178909140512,"r":[176220178909140512]}`},
		{"numbers spelt one way", "", "{}", json.RawMessage(`[7200.0,72e2,0.50,-1]`), `[7200,7200,0.5,-1]`},
		{"no escapes", "", "{}", map[string]any{"a": "<&>/会\u2028"}, `{"a":"<&>/会\u2028"}`},
		{"slashes escaped", "x-escape-slash: true", "{}", map[string]any{"a/": `https://x/\/`, "b": []string{"瑞洁物业分/子公司"}}, `{"a/":"https:\/\/x\/\\\/","b":["瑞洁物业分\/子公司"]}`},
		{"no object", "x-key-order: ascii", "{}", []any{nil, true, "", []any{}, map[string]any{}}, `[null,true,"",[],{}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			family := test.family
			if family == "" {
				family = "x-key-order: declared"
			}
			if got := string(ordered(t, family, test.schema, "").Encode(test.value)); got != test.want {
				t.Errorf("Encode\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestEncodeExamples has each example of the document in the order that the document itself writes it in.
func TestEncodeExamples(t *testing.T) {
	t.Parallel()
	for _, op := range load(t).Operations() {
		for _, reply := range op.Replies {
			for name, body := range reply.Examples {
				var keys []string
				for _, found := range regexp.MustCompile(`"([a-zA-Z_]+)":`).FindAllStringSubmatch(string(reply.Encode(body)), -1) {
					keys = append(keys, found[1])
				}
				lines := regexp.MustCompile(`(?m)^ +`+regexp.QuoteMeta(name)+`: \{value: (.*)\}$`).FindAllStringSubmatch(string(dingmock.Source()), -1)
				if !slices.ContainsFunc(lines, func(line []string) bool { return inOrder(line[1], keys) }) {
					t.Errorf("%s: the example %s is encoded with the keys %v, the document has %q", op.ID, name, keys, lines)
				}
			}
		}
	}
}

// inOrder reports whether a text in YAML has all these keys, one after the other.
func inOrder(text string, keys []string) bool {
	for _, key := range keys {
		_, rest, ok := strings.Cut(text, key+":")
		if !ok {
			return false
		}
		text = rest
	}
	return true
}
