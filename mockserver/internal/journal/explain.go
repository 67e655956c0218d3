package journal

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/mockserver/api"
)

// Explanations returns at most limit explanations from the error replies that the journals still keep, the most
// frequent first.
func Explanations(limit int, journals ...*Journal) []api.Explanation {
	found := map[string]*api.Explanation{}
	for _, j := range journals {
		for _, x := range j.Since(0).Items {
			e, ok := x.Record.(*Call)
			if !ok || e.Explain == "" || e.Code == "0" {
				continue
			}
			key := e.Code + " " + withoutNumbers(e.Explain)
			if found[key] == nil {
				found[key] = &api.Explanation{Code: e.Code}
			}
			found[key].Text = printable.ASCII(e.Explain)
			found[key].Count++
		}
	}
	list := []api.Explanation{}
	for _, x := range found {
		list = append(list, *x)
	}
	slices.SortFunc(list, func(a, b api.Explanation) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Text, b.Text))
	})
	return list[:min(limit, len(list))]
}

// withoutNumbers returns a text with each number replaced by 0.
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
