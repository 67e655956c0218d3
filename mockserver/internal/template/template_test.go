package template

import (
	"strconv"
	"strings"
	"testing"
)

// A call is parsed once, however many holes use its values.
func TestFillingReadsOnce(t *testing.T) {
	var object strings.Builder
	object.WriteString(`{"a":{"last":1`)
	for i := range 1000 {
		object.WriteString(`,"k` + strconv.Itoa(i) + `":[]`)
	}
	object.WriteString(`}}`)
	form := "b=" + strings.Repeat("&c=d", 1000) + "&msg=" + object.String()
	for _, test := range []struct {
		name string
		make func() *Filling
		ask  func(*Filling) bool
	}{
		{"a field of JSON", func() *Filling { return &Filling{Body: []byte(object.String())} }, func(s *Filling) bool { _, ok := s.bodyField([]string{"a", "last"}); return ok }},
		{"a field of JSON in a form", func() *Filling { return &Filling{Body: []byte(form)} }, func(s *Filling) bool { _, ok := s.bodyField([]string{"msg", "a", "last"}); return ok }},
		{"a field of the query", func() *Filling { return &Filling{Query: form} }, func(s *Filling) bool { _, ok := s.queryField([]string{"msg", "a", "last"}); return ok }},
	} {
		allocations := func(times int) float64 {
			return testing.AllocsPerRun(3, func() {
				s := test.make()
				for range times {
					if !test.ask(s) {
						t.Fatalf("%s is not found", test.name)
					}
				}
			})
		}
		if once, often := allocations(1), allocations(100); often > 2*once {
			t.Errorf("%s takes %.0f allocations, and asked for 100 times %.0f", test.name, once, often)
		}
	}
}
