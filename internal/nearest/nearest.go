// Package nearest finds the word that a misspelt one most likely means.
package nearest

import (
	"slices"
	"strings"
)

// Word returns the candidate that a word most likely means, ignoring case: one that differs in few letters, or else one that
// contains the word or is contained in it. It returns "" if none is near. Among equally near candidates the first wins.
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

// Distance returns the number of bytes to insert, delete or replace to turn a into b, or -1 if it is more than most or a is
// longer than 128 bytes.
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

// DidYouMean returns "; did you mean …?" for the end of an error if another candidate is near the word, or else "".
func DidYouMean(word string, candidates []string) string {
	if near := Word(word, candidates); near != "" && near != word {
		return "; did you mean " + near + "?"
	}
	return ""
}
