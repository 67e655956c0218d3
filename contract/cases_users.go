package contract

import "fmt"

var userCases = []Case{
	{
		ID: "user.count/success", Level: MUST, Operation: "user.count",
		Rule: "No more people have activated DingTalk than the company has.",
		run: func(c *trial) {
			p := c.party(c.app())
			if all, active := p.users(false), p.users(true); active > all {
				c.fail(nil, "more people who are active than people", "count:\n-want %v or fewer with only_active\n+got  %v", all, active)
			}
		},
	},
	{
		ID: "user.count/listed", Level: MUST, Operation: "user.count", Needs: NeedsUsers,
		Rule: "Of an app that has a list of users, those of the list are counted.",
		run: func(c *trial) {
			for n := range 4 {
				users := []string{}
				for i := range n {
					users = append(users, fmt.Sprintf("u-%d", i))
				}
				p := c.party(c.newApp(AppSpec{Users: users}))
				c.equal(nil, "result.count", p.users(false), n)
			}
		},
	},
}

// users returns how many people the company has.
func (p *party) users(onlyActive bool) float64 {
	body, err := p.do("user.count", "only_active", onlyActive)
	p.must(err, "user.count")
	n, _ := p.field("user.count", body, err, "result", "count").(float64)
	return n
}
