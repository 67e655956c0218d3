package api

import "time"

// FaultEffect answers with one of Faults, in the dialect of the path, or breaks a handshake by one of TLSFaults.
func FaultEffect(name string) Effect { return Effect{Fault: name} }

// ErrcodeEffect answers with an errcode other than 0; under /v1.0/, with HTTP 400 and the number as the code. If
// errmsg is "", the document's text for the number is used. Set the field SubCode for the sub_code that errcode 88
// may have.
func ErrcodeEffect(errcode int, errmsg string) Effect {
	return Effect{Errcode: errcode, Errmsg: errmsg}
}

// StatusEffect answers with an HTTP status, 200 to 599, and an empty body.
func StatusEffect(status int) Effect { return Effect{Status: status} }

// LatencyEffect runs the call and delays the answer by d, in real time. Set the field LatencyMax for a random
// delay from d to LatencyMax.
func LatencyEffect(d time.Duration) Effect { return Effect{Latency: Duration(d)} }

// HangEffect never answers.
func HangEffect() Effect { return Effect{Hang: true} }

// ResetEffect resets the connection.
func ResetEffect() Effect { return Effect{Reset: true} }

// EmptyEffect closes the connection without an answer.
func EmptyEffect() Effect { return Effect{Empty: true} }

// TruncateEffect runs the call and sends half of the body.
func TruncateEffect() Effect { return Effect{Truncate: true} }

// SlowEffect runs the call and waits for d before each byte of the body.
func SlowEffect(d time.Duration) Effect { return Effect{Slow: Duration(d)} }

// MalformedEffect runs the call and answers with JSON that lacks its last character.
func MalformedEffect() Effect { return Effect{Malformed: true} }

// TokenLifeEffect runs the call, which must be a token call: the token lives for d from then on, 1s to 720h, and
// the answer says so.
func TokenLifeEffect(d time.Duration) Effect { return Effect{TokenLife: Duration(d)} }

// ReplyEffect answers with a fixed reply instead of the fake's own.
func ReplyEffect(reply FixedReply) Effect { return Effect{Reply: &reply} }
