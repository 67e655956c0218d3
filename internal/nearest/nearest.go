// Package nearest finds the word that was meant by one that is wrong.
package nearest

import (
	"slices"
	"strings"
)

// Word returns the candidate that was most likely meant by a word: one that differs in few letters, else one that holds the
// word or is held by it; "" where none is near. Of those alike the first is meant.
func Word(word string, candidates []string) string {
	word = strings.ToLower(word)
	best, least := "", 1000
	for _, c := range candidates {
		lower := strings.ToLower(c)
		far := Distance(word, lower, max(1, min(len(word), len(lower))/3))
		if far < 0 && min(len(word), len(lower)) >= 4 && (strings.Contains(lower, word) || strings.Contains(word, lower)) {
			far = 100
		}
		if far >= 0 && far < least {
			best, least = c, far
		}
	}
	return best
}

// Distance returns how many letters have to be put in, left out or replaced to make b of a; -1 where they are more than most.
func Distance(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most || len(a) > 128 {
		return -1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
		if slices.Min(row) > most {
			return -1
		}
	}
	if row[len(b)] > most {
		return -1
	}
	return row[len(b)]
}

// DidYouMean is what an error ends with where a word is near to one that would have been right; else "".
func DidYouMean(word string, candidates []string) string {
	if near := Word(word, candidates); near != "" && near != word {
		return "; did you mean " + near + "?"
	}
	return ""
}
