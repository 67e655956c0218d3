package client

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What an [*Error] can be, for [errors.Is]: one of these, or none. They are the same whichever dialect said so.
var (
	// ErrInvalidToken: the access token is missing, is not valid or has expired. Where the client had sent its own, it has
	// already tried a new one.
	ErrInvalidToken = errors.New("dingtalk: the access token is not valid or has expired")

	// ErrWrongCredentials: the id does not exist or the secret is not its own. create_session says it too, of an app key
	// that is not the token's.
	ErrWrongCredentials = errors.New("dingtalk: the id or its secret is wrong")

	// ErrInvalidParameter: a parameter or the body is missing, or is not what the call takes.
	ErrInvalidParameter = errors.New("dingtalk: a parameter is missing or not valid")

	// ErrUserNotFound: there is no such user.
	ErrUserNotFound = errors.New("dingtalk: there is no such user")

	// ErrInvalidSession: no session of this id and these values is open, or one with other values is.
	ErrInvalidSession = errors.New("dingtalk: the session is not valid")

	// ErrTooManySessions: the app has as many open sessions as it may have.
	ErrTooManySessions = errors.New("dingtalk: there are too many sessions")

	// ErrThrottled: too many calls in too short a time. The call was not run.
	ErrThrottled = errors.New("dingtalk: calls are being throttled")

	// ErrQuotaExhausted: the organization's calls of this month are used up.
	ErrQuotaExhausted = errors.New("dingtalk: the quota of calls is used up")

	// ErrBusy: the platform is busy.
	ErrBusy = errors.New("dingtalk: the platform is busy")

	// ErrNoPermission: the app has no permission for this call.
	ErrNoPermission = errors.New("dingtalk: the app has no permission for this call")

	// ErrIPNotAllowed: the caller's address is not in the app's allowlist.
	ErrIPNotAllowed = errors.New("dingtalk: the address is not in the app's allowlist")

	// ErrBlocked is a [*ReplyError]: the platform's gateway refuses the caller's address for some minutes, most likely. It
	// answers HTTP 200 with a page in HTML, or with JSON of status 1111; another server that answers with a page looks
	// the same.
	ErrBlocked = errors.New("dingtalk: the caller's address is blocked")

	// ErrUnknownAPI: the platform has no such call.
	ErrUnknownAPI = errors.New("dingtalk: there is no such call")
)

// Error is a call that the platform refused. errors.Is tells which of the Err… variables it is. Secrets and tokens
// that the platform repeats in it are masked.
type Error struct {
	// Operation is the call by its operationId, or its method and path.
	Operation string

	// HTTPStatus is 200 for most errors, and 4xx or 5xx under /v1.0/.
	HTTPStatus int

	// Errcode is the error's number in the platform's table, 0 under /v1.0/.
	Errcode int

	// SubCode is why the gateway refused the call, where Errcode is 88; most often a number.
	SubCode string

	// Code is the error's name under /v1.0/, "" elsewhere.
	Code string

	// Message is for people, in Chinese, at most 1 KiB. Do not judge by it.
	Message string

	// RequestID is what the platform's support asks for. gettoken has none.
	RequestID string

	// Until is when a throttle ends, by the platform's clock, to the second; zero where it does not say.
	Until time.Time
}

// Error returns the refusal as one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "dingtalk: %s: ", e.Operation)
	switch {
	case e.Code != "":
		fmt.Fprintf(&b, "HTTP %d, code %s", e.HTTPStatus, e.Code)
	default:
		fmt.Fprintf(&b, "errcode %d", e.Errcode)
		if e.SubCode != "" {
			fmt.Fprintf(&b, ", sub_code %s", e.SubCode)
		}
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request id %s)", e.RequestID)
	}
	return printableLine(b.String())
}

// Is reports whether target is the Err… variable that the error is.
func (e *Error) Is(target error) bool { return target != nil && e.kind() == target }

// tokenRefused reports whether another token may do: what the platform says of a token that it does not know.
func (e *Error) tokenRefused() bool {
	return e.Errcode == 40014 || e.Errcode == 88 && (e.SubCode == "40014" || e.SubCode == "40000") || e.Code == "InvalidAuthentication"
}

// kind returns the Err… variable that the error is, or nil.
func (e *Error) kind() error {
	if e.tokenRefused() {
		return ErrInvalidToken
	}
	if e.Code != "" {
		return kindOfCode(e.Code)
	}
	code := e.Errcode
	if code == 88 {
		code, _ = strconv.Atoi(e.SubCode)
	}
	switch {
	case code == -1:
		return ErrBusy
	case code == 22, code == 404:
		return ErrUnknownAPI
	case code == 1002:
		return ErrTooManySessions
	case code == 34001:
		return ErrInvalidSession
	case code == 40001, code == 40013, code == 40089, code == 40096:
		return ErrWrongCredentials
	case code == 40000, code == 40035, code == 40038, code == 43001, code == 43002, code == 43004, code == 47001, code == 400002:
		return ErrInvalidParameter
	case code == 33012, code == 60111, code == 60121:
		return ErrUserNotFound
	case code == 60011:
		return ErrNoPermission
	case code == 60020:
		return ErrIPNotAllowed
	case code == 90020:
		return ErrQuotaExhausted
	case code >= 90001 && code <= 90014, code == 90018, code == 90019:
		return ErrThrottled
	}
	return nil
}

func kindOfCode(code string) error {
	denied, forbidden := strings.CutPrefix(code, "Forbidden.AccessDenied.")
	switch {
	case code == "AuthenticationFailed.MissingParameter":
		return ErrInvalidToken
	case code == "invalidClientIdOrSecret":
		return ErrWrongCredentials
	case code == "InvalidAction.NotFound":
		return ErrUnknownAPI
	case code == "systemBusy", code == "serviceBusy":
		return ErrBusy
	case code == "Invalidbody", strings.HasPrefix(code, "Missing"):
		return ErrInvalidParameter
	case forbidden && denied == "AccessTokenPermissionDenied":
		return ErrNoPermission
	case forbidden && denied == "IpNotInWhiteList":
		return ErrIPNotAllowed
	case forbidden && denied == "ApiCountLimitForOrg":
		return ErrQuotaExhausted
	case forbidden && (strings.HasPrefix(denied, "QpsLimit") || strings.HasPrefix(denied, "QpmLimit")):
		return ErrThrottled
	}
	return nil
}

// ReplyError is a reply that is not the platform's, or not that of the call: a page in HTML, nothing, JSON that is cut
// off or of another shape, a success without what the call is made for.
type ReplyError struct {
	// Operation is the call by its operationId, or its method and path.
	Operation string

	HTTPStatus  int
	ContentType string

	// Body is how the reply begins, at most 256 bytes; secrets, and what may be a token, are masked.
	Body string

	// Reason is what is wrong with it.
	Reason string

	// Wait is how long the block lasts where the reply is ErrBlocked and says so, in minutes; 0 where it does not.
	Wait time.Duration

	blocked bool
	cause   error
}

// Error returns what is wrong, and how the reply began, as one line.
func (e *ReplyError) Error() string {
	text := fmt.Sprintf("dingtalk: %s: not a reply of the platform: %s (HTTP %d, Content-Type %q", e.Operation, printableLine(e.Reason), e.HTTPStatus, e.ContentType)
	if e.Body == "" {
		return text + ", no body)"
	}
	return fmt.Sprintf("%s, body %q)", text, e.Body)
}

// Is reports whether target is ErrBlocked and the reply is such a one.
func (e *ReplyError) Is(target error) bool { return e.blocked && target == ErrBlocked }

// Unwrap returns why the reply could not be read to its end, and nil where it could.
func (e *ReplyError) Unwrap() error { return e.cause }
