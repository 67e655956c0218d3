package world

type scopesReply struct {
	ConditionField []string  `json:"condition_field"`
	AuthUserField  []string  `json:"auth_user_field"`
	AuthOrgScopes  orgScopes `json:"auth_org_scopes"`
}

type orgScopes struct {
	AuthedUser []string `json:"authed_user"`
	AuthedDept []int64  `json:"authed_dept"`
}

// root is the department that all others are below.
const root = 1

// authScopes answers that the app may read the whole company, as every app may.
func authScopes(*Call) (any, *Failure) {
	return scopesReply{
		ConditionField: []string{},
		AuthUserField:  []string{"jobnumber", "isLeader", "name", "position", "isAdmin", "avatar", "department", "userid", "deviceId", "isHide"},
		AuthOrgScopes:  orgScopes{AuthedUser: []string{}, AuthedDept: []int64{root}},
	}, nil
}
