// Package page cuts lists that are sorted by number into pages.
package page

import (
	"cmp"
	"slices"
)

// Of returns at most limit of the items for which there returns true, out of a list that is sorted by number:
// those after the number after. next is the number to continue after, 0 if there are no more. If newest is true,
// the order is reversed: it returns the items before the number after, or from the end of the list if after is 0.
func Of[T any](sorted []T, number func(T) int64, there func(T) bool, after int64, limit int, newest bool) (list []T, next int64) {
	at, found := slices.BinarySearchFunc(sorted, after, func(x T, n int64) int { return cmp.Compare(number(x), n) })
	step := 1
	switch {
	case newest && after == 0:
		at, step = len(sorted)-1, -1
	case newest:
		at, step = at-1, -1
	case found:
		at++
	}
	for ; 0 <= at && at < len(sorted); at += step {
		if !there(sorted[at]) {
			continue
		}
		if len(list) == limit {
			return list, number(list[limit-1])
		}
		list = append(list, sorted[at])
	}
	return list, 0
}
