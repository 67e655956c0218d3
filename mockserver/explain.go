package mockserver

import (
	"cmp"
	"slices"
	"strings"
)

// Explanation is what error replies said of their cause in the header Dingmock-Explain.
type Explanation struct {
	Code  string `json:"code"`
	Text  string `json:"text"`  // of the latest such reply, in ASCII as the header has it
	Count int    `json:"count"` // of the replies that say the same but for their numbers, such as how long ago a token expired
}

// Explanations returns what the error replies said that the journals still keep, the most frequent first, limit of them at
// most.
func (s *Server) Explanations(limit int) []Explanation {
	found := map[string]*Explanation{}
	add := func(j *journal) {
		entries, _, _, _ := j.since(0)
		for _, e := range entries {
			if e.Explain == "" || e.Code == "0" {
				continue
			}
			key := e.Code + " " + withoutNumbers(e.Explain)
			if found[key] == nil {
				found[key] = &Explanation{Code: e.Code}
			}
			found[key].Text = headerText(e.Explain)
			found[key].Count++
		}
	}
	add(s.nobody)
	for _, a := range s.tenants.all() {
		add(a.journal)
	}
	list := []Explanation{}
	for _, x := range found {
		list = append(list, *x)
	}
	slices.SortFunc(list, func(a, b Explanation) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Text, b.Text))
	})
	return list[:min(limit, len(list))]
}

// withoutNumbers is a text in which each number is the same.
func withoutNumbers(text string) string {
	var b strings.Builder
	digit := false
	for _, r := range text {
		if was := digit; '0' <= r && r <= '9' {
			if digit = true; !was {
				b.WriteByte('0')
			}
			continue
		}
		digit = false
		b.WriteRune(r)
	}
	return b.String()
}
