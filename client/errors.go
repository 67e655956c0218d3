package client

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The errors that [errors.Is] finds in an [*Error]: one of these or none, whatever the dialect of the reply. ErrBlocked is the
// exception: it is found in a [*ReplyError].
var (
	// ErrInvalidToken: the access token is missing, is not valid or has expired. If the client sent its own token, it has
	// already tried a new one.
	ErrInvalidToken = errors.New("dingtalk: the access token is not valid or has expired")

	// ErrWrongCredentials: the id does not exist, or the secret does not belong to it. create_session also returns this for an
	// app key that the token does not belong to.
	ErrWrongCredentials = errors.New("dingtalk: the id or its secret is wrong")

	// ErrInvalidParameter: a parameter or the body is missing, or is not what the call accepts.
	ErrInvalidParameter = errors.New("dingtalk: a parameter is missing or not valid")

	// ErrUserNotFound: there is no such user.
	ErrUserNotFound = errors.New("dingtalk: there is no such user")

	// ErrInvalidSession: no session with this id and these values is open, or one with this id but other values is.
	ErrInvalidSession = errors.New("dingtalk: the session is not valid")

	// ErrTooManySessions: the app already has the maximum number of open sessions.
	ErrTooManySessions = errors.New("dingtalk: there are too many sessions")

	// ErrThrottled: there were too many calls in too short a time. The call was not run.
	ErrThrottled = errors.New("dingtalk: calls are being throttled")

	// ErrQuotaExhausted: the organization has used up its calls for this month.
	ErrQuotaExhausted = errors.New("dingtalk: the quota of calls is used up")

	// ErrBusy: the platform is busy.
	ErrBusy = errors.New("dingtalk: the platform is busy")

	// ErrNoPermission: the app has no permission for this call.
	ErrNoPermission = errors.New("dingtalk: the app has no permission for this call")

	// ErrIPNotAllowed: the caller's address is not in the app's allowlist.
	ErrIPNotAllowed = errors.New("dingtalk: the address is not in the app's allowlist")

	// ErrBlocked is found in a [*ReplyError]. Most likely the platform's gateway refuses the caller's address for some minutes:
	// it then answers HTTP 200 with an HTML page, or with JSON whose status is 1111. Any other server that answers with an HTML
	// page looks the same.
	ErrBlocked = errors.New("dingtalk: the caller's address is blocked")

	// ErrUnknownAPI: the platform has no such call.
	ErrUnknownAPI = errors.New("dingtalk: there is no such call")
)

// Error is the platform's refusal of a call. Use errors.Is to tell which of the Err… variables it is. Secrets and tokens that
// the platform repeats are masked.
type Error struct {
	// Operation is the operationId of the call, or else its method and path.
	Operation string

	// HTTPStatus is 200 for most errors, and 4xx or 5xx under /v1.0/.
	HTTPStatus int

	// Errcode is the number of the error in the platform's table; 0 under /v1.0/.
	Errcode int

	// SubCode says why the gateway refused the call, if Errcode is 88. It is usually a number.
	SubCode string

	// Code is the name of the error under /v1.0/; "" elsewhere.
	Code string

	// Message is a text for people, in Chinese, of at most 1 KiB. Programs should not depend on it.
	Message string

	// RequestID is the id that the platform's support asks for. Replies to gettoken have none.
	RequestID string

	// Until is the end of a throttle, by the platform's clock, to the second; zero if the platform does not name it.
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

// Is reports whether target is the Err… variable for this error.
func (e *Error) Is(target error) bool { return target != nil && e.kind() == target }

// tokenRefused reports whether the platform does not know the token, so that another token may work.
func (e *Error) tokenRefused() bool {
	return e.Errcode == 40014 || e.Errcode == 88 && (e.SubCode == "40014" || e.SubCode == "40000") || e.Code == "InvalidAuthentication"
}

// kind returns the Err… variable for this error, or nil if there is none.
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

// ReplyError is a reply that is not one of the platform, or not one to this call: an HTML page, an empty reply, JSON that is cut
// off or has another form, or a success without the value that the call asks for.
type ReplyError struct {
	// Operation is the operationId of the call, or else its method and path.
	Operation string

	HTTPStatus  int
	ContentType string

	// Body is the beginning of the reply, at most 256 bytes. Secrets and what may be a token are masked.
	Body string

	// Reason says what is wrong with the reply.
	Reason string

	// Wait is how long the block lasts, in whole minutes, if the reply is ErrBlocked and says so; 0 otherwise.
	Wait time.Duration

	blocked bool
	cause   error
}

// Error returns what is wrong, and the beginning of the reply, as one line.
func (e *ReplyError) Error() string {
	text := fmt.Sprintf("dingtalk: %s: not a reply of the platform: %s (HTTP %d, Content-Type %q", e.Operation, printableLine(e.Reason), e.HTTPStatus, e.ContentType)
	if e.Body == "" {
		return text + ", no body)"
	}
	return fmt.Sprintf("%s, body %q)", text, e.Body)
}

// Is reports whether target is ErrBlocked and the reply says that the address is blocked.
func (e *ReplyError) Is(target error) bool { return e.blocked && target == ErrBlocked }

// Unwrap returns the error that reading or decoding the reply failed with, or nil if there was none.
func (e *ReplyError) Unwrap() error { return e.cause }
