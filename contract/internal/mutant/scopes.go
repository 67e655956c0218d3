package mutant

// scopes tell in a wrong way what an app may read.
func (k *kit) scopes() {
	k.add("auth.scopes/company", "no department", after(succeeded, func(r *request) { r.out.replace(`"authed_dept":[1]`, `"authed_dept":[]`) }))
	k.add("auth.scopes/company", "users have no userid", after(succeeded, func(r *request) { r.out.replace(`"userid"`, `"userId"`) }))
}
