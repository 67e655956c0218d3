// Package page cuts pages off lists that are sorted by number.
package page

import (
	"cmp"
	"slices"
)

// Of returns at most limit of the items that are there, of a list that is sorted by number: those after a number, and the
// number to go on after, which is 0 where there are no more. Newest first, they are those before a number, or, of 0, the last.
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
