package mutant

import "github.com/dingmock/dingmock/internal/jsontext"

// counted makes the count of users another one.
func counted(other func(n float64, onlyActive bool) float64) fault {
	return after(succeeded, func(r *request) {
		m := r.out.fields()
		result, _ := m["result"].(map[string]any)
		n, _ := result["count"].(float64)
		onlyActive, _ := r.values()["only_active"].(bool)
		m["result"] = map[string]any{"count": other(n, onlyActive)}
		r.out.body = jsontext.MustMarshal(m)
	})
}

// users count users in a wrong way.
func (k *kit) users() {
	k.add("user.count/success", "more are active than there are", counted(func(n float64, onlyActive bool) float64 {
		if onlyActive {
			return n + 1
		}
		return n
	}))
	k.add("user.count/listed", "the list is passed over", counted(func(float64, bool) float64 { return 1 }))
	k.add("user.count/listed", "a list of none is no list", counted(func(n float64, _ bool) float64 { return max(n, 1) }))
}
