// Package pagetest tests the page of package mockserver in a browser. It is a module of its own, so that dingmock
// does not depend on what drives a browser.
package pagetest
