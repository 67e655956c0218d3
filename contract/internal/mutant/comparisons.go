package mutant

import (
	"path"
	"slices"
	"strings"

	"github.com/dingmock/dingmock/contract"
)

// laxities are the ways of a comparison with what is right that let other values pass.
var laxities = map[string]func(given, right string) bool{
	"in any case":          strings.EqualFold,
	"with space around":    func(given, right string) bool { return strings.TrimSpace(given) == right },
	"as far as it goes":    strings.HasPrefix,
	"by its first half":    func(given, right string) bool { return strings.HasPrefix(given, right[:(len(right)+1)/2]) },
	"by 64 characters":     func(given, right string) bool { return len(right) >= 64 && strings.HasPrefix(given, right[:64]) },
	"by a part of it":      func(given, right string) bool { return len(given) >= len(right)/2 && strings.Contains(right, given) },
	"with slashes doubled": func(given, right string) bool { return path.Clean(given) == right },
	"as anything":          func(_, _ string) bool { return true },
}

// closest is the right value that a given one passes for, or the given one.
func closest(given string, right []string, laxity string) string {
	if i := slices.IndexFunc(right, func(right string) bool { return laxities[laxity](given, right) }); i >= 0 && !slices.Contains(right, given) {
		return right[i]
	}
	return given
}

// compared is a field that has to have a certain value, and what there is a case of.
type compared struct {
	rule, field string
	right       func(r *request) []string
	laxities    []string
}

var fields = []compared{
	{"create_session/app-key-wrong", "app_key", ownKey, []string{"in any case", "with space around", "as far as it goes", "as anything"}},
	{"create_session/app-key-wrong", "app_key", keyOfID, []string{"as the corpid"}},
	{"create_session/user-not-found", "user_id", listed, []string{"in any case"}},
	{"create_session/session-invalid", "user_id", open("user_id", "session_id"), []string{"as anything"}},
	{"create_session/session-invalid", "chatid", open("chatid", "session_id"), []string{"as anything"}},
	{"create_session/id-in-case", "session_id", open("session_id"), []string{"in any case"}},
	{"create_session/ids-apart", "session_id", open("session_id"), []string{"in any case", "with space around", "as far as it goes", "by 64 characters"}},
	{"close_session/session-invalid", "session_id", open("session_id"), []string{"in any case"}},
	{"close_session/session-invalid", "app_key", ownKey, []string{"in any case", "with space around", "as far as it goes", "as anything"}},
	{"close_session/session-invalid", "app_key", keyOfID, []string{"as the corpid"}},
	{"close_session/session-invalid", "user_id", open("user_id", "session_id"), []string{"as anything"}},
	{"close_session/session-invalid", "chatid", open("chatid", "session_id"), []string{"as anything"}},
	{"getsession/user-not-found", "userid", listed, []string{"in any case"}},
	{"getsession/per-user", "userid", open("user_id"), []string{"in any case"}},
}

func ownKey(r *request) []string { return []string{r.session().app} }

// keyOfID is the app key of the app whose corpid is given in its place.
func keyOfID(r *request) []string { return []string{r.ledger.keyOf(r.value("app_key"))} }

// listed are the users of the apps that have a list of users.
func listed(r *request) []string { return r.ledger.users }

// open are the values of the app's open sessions that have the same values of those names.
func open(field string, same ...string) func(r *request) []string {
	return func(r *request) (list []string) {
		for _, o := range r.its(same...) {
			list = append(list, o.text(field))
		}
		return list
	}
}

// ofAny are the laxities that credentials and tokens are compared with: those of all texts.
var ofAny = []string{"in any case", "with space around", "as far as it goes", "by its first half", "by a part of it"}

// comparisons compare in a lax way what has to be just what it is.
func (k *kit) comparisons() {
	for _, v := range fields {
		_, error, _ := strings.Cut(v.rule, "/")
		for _, laxity := range v.laxities {
			edit := func(r *request) {
				if given := r.value(v.field); closest(given, v.right(r), laxity) != given {
					r.set(v.field, closest(given, v.right(r), laxity))
				}
			}
			f := retry(failed(error), edit)
			if k.doc.ErrorReply(error) == nil {
				f = before(always, edit)
			}
			k.add(v.rule, v.field+" is compared "+laxity, f)
		}
	}
	for _, op := range k.doc.Operations() {
		for _, laxity := range ofAny {
			if secured(op) {
				k.of(op, "{token-bad}", "a token is compared "+laxity, retry(failed("{token-bad}"), func(r *request) {
					r.setToken(closest(r.token(), r.ledger.issued(), laxity))
				}))
			}
		}
	}
	for _, f := range k.doc.Families() {
		var paths []string
		for _, op := range k.doc.Operations() {
			if op.Family == f {
				paths = append(paths, op.Path)
			}
		}
		for _, laxity := range []string{"in any case", "as far as it goes", "with slashes doubled"} {
			k.all("paths/"+f.Name+"-exact", "a path is compared "+laxity, before(func(r *request) bool { return r.op == nil }, func(r *request) {
				r.path(closest(r.URL.Path, paths, laxity))
			}))
		}
	}
	k.pairs("gettoken", "appkey-or-appsecret-wrong", "appkey", "appsecret", func(app contract.App) (id, secret string) { return app.AppKey, app.AppSecret })
	k.pairs("gettoken", "corpid-or-corpsecret-wrong", "corpid", "corpsecret", func(app contract.App) (id, secret string) { return app.CorpID, app.CorpSecret })
	k.pairs("accessToken", "invalidClientIdOrSecret", "appKey", "appSecret", func(app contract.App) (id, secret string) { return app.AppKey, app.AppSecret })
}

// pairs compare a pair of credentials of a token call in a lax way.
func (k *kit) pairs(op, error, id, secret string, of func(contract.App) (id, secret string)) {
	add := func(name string, same func(app contract.App, givenID, rightID, given, right string) bool) {
		k.add(op+"/"+error, name, retry(failed(error), func(r *request) {
			given, givenSecret := r.value(id), r.value(secret)
			for _, app := range r.ledger.apps {
				if right, rightSecret := of(app); given != "" && givenSecret != "" && same(app, given, right, givenSecret, rightSecret) {
					r.set(id, right)
					r.set(secret, rightSecret)
				}
			}
		}))
	}
	for _, laxity := range ofAny {
		add("a secret is compared "+laxity, func(_ contract.App, givenID, rightID, given, right string) bool {
			return givenID == rightID && laxities[laxity](given, right)
		})
		if laxity != "by a part of it" { // of which there is no case
			add("an id is compared "+laxity, func(_ contract.App, givenID, rightID, given, right string) bool {
				return laxities[laxity](givenID, rightID) && given == right
			})
		}
	}
	add("either secret of the app will do", func(app contract.App, givenID, rightID, given, _ string) bool {
		return givenID == rightID && (given == app.AppSecret || given == app.CorpSecret)
	})
	add("either id of the app will do", func(app contract.App, givenID, _, given, right string) bool {
		return (givenID == app.AppKey || givenID == app.CorpID) && given == right
	})
	add("any app's secret will do", func(_ contract.App, _, _, given, right string) bool { return given == right })
}
