package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/api"
)

// appFlag is the value of --app. Its errors show no part of it: it holds secrets.
type appFlag mockserver.AppState

const urlSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// UnmarshalText reads appkey:appsecret[:corpid:corpsecret].
func (a *appFlag) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), ":")
	if len(parts) != 2 && len(parts) != 4 {
		const app = "an app is appkey:appsecret or appkey:appsecret:corpid:corpsecret"
		if len(parts) == 1 {
			return errors.New("found no colon; " + app + " (to judge one app, use dingmock verdict --app NAME)")
		}
		return fmt.Errorf("found %d parts between colons; %s", len(parts), app)
	}
	for i, part := range parts {
		if part == "" || len(part) > 128 || strings.Trim(part, urlSafe) != "" {
			name := [...]string{"appkey", "appsecret", "corpid", "corpsecret"}[i]
			return fmt.Errorf("the %s has to be 1 to 128 of the characters A-Z a-z 0-9 - . _ ~", name)
		}
	}
	*a = appFlag{AppKey: parts[0], AppSecret: parts[1]}
	if len(parts) == 4 {
		a.CorpID, a.CorpSecret = parts[2], parts[3]
	}
	return nil
}

// appNames holds the values of verdict's --app.
type appNames []string

// Decode reads one value, or several separated by commas. It refuses an empty value, such as an unset variable in a script gives:
// that would select all apps.
func (n *appNames) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("name", &text); err != nil {
		return err
	}
	for name := range strings.SplitSeq(text, ",") {
		if name == "" {
			return errors.New("has an empty name; it has to be the name or the appkey of an app, a pattern such as mock-shop*, or _")
		}
		*n = append(*n, name)
	}
	return nil
}

// count is a number of things, 1 or more.
type count int

// UnmarshalText reads a whole number.
func (c *count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return fmt.Errorf("%.40q is not a whole number of 1 or more", text)
	}
	*c = count(n)
	return nil
}

// tokenFlag is the value of --control-token. Its errors show no part of it.
type tokenFlag string

// UnmarshalText reads a control token, without the white space around it. It refuses an empty one, such as an unset variable in a
// script gives: the control API would then require no token.
func (t *tokenFlag) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("the control token is empty: give one, or leave the flag out to ask for none")
	}
	token, err := api.ParseControlToken(string(text))
	*t = tokenFlag(token)
	return err
}
