//go:build !race

package mutant_test

const raceDetector = false
