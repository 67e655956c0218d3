package api

import "time"

// FaultEffect is one of Faults, in the dialect of the path that it hits, or of TLSFaults.
func FaultEffect(name string) Effect { return Effect{Fault: name} }

// ErrcodeEffect is an error of that number, other than 0; under /v1.0/ HTTP 400 with it as the code. With an errmsg of "" it
// has the document's text for that number. A sub_code, which errcode 88 may have, is the field SubCode.
func ErrcodeEffect(errcode int, errmsg string) Effect {
	return Effect{Errcode: errcode, Errmsg: errmsg}
}

// StatusEffect is an HTTP status, 200 to 599, with an empty body.
func StatusEffect(status int) Effect { return Effect{Status: status} }

// LatencyEffect answers as ever, but that much later, in real time. The field LatencyMax makes it a span.
func LatencyEffect(d time.Duration) Effect { return Effect{Latency: Duration(d)} }

// HangEffect never answers.
func HangEffect() Effect { return Effect{Hang: true} }

// ResetEffect resets the connection.
func ResetEffect() Effect { return Effect{Reset: true} }

// EmptyEffect closes the connection without an answer.
func EmptyEffect() Effect { return Effect{Empty: true} }

// TruncateEffect runs the call and sends half of the body.
func TruncateEffect() Effect { return Effect{Truncate: true} }

// SlowEffect runs the call and waits that long before each byte of the body.
func SlowEffect(d time.Duration) Effect { return Effect{Slow: Duration(d)} }

// MalformedEffect runs the call and answers JSON without its last character.
func MalformedEffect() Effect { return Effect{Malformed: true} }

// TokenLifeEffect runs the call, a token call: the token lives that long from it on, 1s to 720h, and the answer says so.
func TokenLifeEffect(d time.Duration) Effect { return Effect{TokenLife: Duration(d)} }

// ReplyEffect answers in the fake's place.
func ReplyEffect(reply FixedReply) Effect { return Effect{Reply: &reply} }
