// Package pagetest holds the tests of the page that package mockserver serves, in a browser. It is a module of its own, so that
// what drives a browser is no dependency of dingmock.
package pagetest
