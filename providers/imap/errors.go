package imap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/imapstream"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// fault is a verdict before it is known what was tried.
type fault struct {
	kind providers.Kind
	code string
}

// answer is what a server said, whichever part of the provider heard it.
type answer struct{ name, code, text, words string }

// verdict turns an error of a session into one that says what can be done.
func verdict(op, subject string, err error) error {
	if err == nil {
		return nil
	}
	if _, done := errors.AsType[*providers.Error](err); done {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s %s: %w", op, subject, err)
	}
	if status, ok := asAnswer(err); ok {
		f := judge(status)
		return &providers.Error{Kind: f.kind, Code: f.code, Op: op, Subject: subject,
			RetryAfter: retryAfter(status.text), Response: status.words}
	}
	f := networkFault(err)
	return &providers.Error{Kind: f.kind, Code: f.code, Op: op, Subject: subject, Err: err,
		WholeEndpoint: f.code == codeTLS}
}

func asAnswer(err error) (answer, bool) {
	if e, ok := errors.AsType[*wire.StatusError](err); ok {
		return answer{e.Name, e.Code, e.Text, e.Words()}, true
	}
	if e, ok := errors.AsType[*imapstream.ResponseError](err); ok {
		words := string(e.Status) + " " + e.Text
		if e.Code != "" {
			words = fmt.Sprintf("%s [%s] %s", e.Status, e.Code, e.Text)
		}
		return answer{string(e.Status), e.Code, e.Text, words}, true
	}
	return answer{}, false
}

func networkFault(err error) fault {
	var timeout net.Error
	switch {
	case isTLS(err):
		return fault{providers.Denied, codeTLS}
	case errors.Is(err, wire.ErrSyntax), isSyntax(err), errors.Is(err, imapstream.ErrIncomplete):
		return fault{providers.Other, codeProtocol}
	case errors.Is(err, imapstream.ErrIdle), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fault{providers.Transient, codeTimeout}
	}
	return fault{providers.Transient, codeLost}
}

func isSyntax(err error) bool {
	_, syntax := errors.AsType[*imapstream.SyntaxError](err)
	return syntax
}

func isTLS(err error) bool {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	return unknown || name || invalid || verify || record || alert
}

// byCode are the verdicts of the response codes of RFC 5530, RFC 9051 section
// 7.1 and RFC 7889.
var byCode = map[string]fault{
	"OVERQUOTA":            {providers.Quota, codeOverquota},
	"TOOBIG":               {providers.Rejected, codeTooBig},
	"AUTHENTICATIONFAILED": {providers.Denied, codeSignIn},
	"AUTHORIZATIONFAILED":  {providers.Denied, codeSignIn},
	"EXPIRED":              {providers.Denied, codeSignIn},
	"PRIVACYREQUIRED":      {providers.Denied, codeSignIn},
	"CONTACTADMIN":         {providers.Denied, codeSignIn},
	"NOPERM":               {providers.Denied, codePermission},
	"NONEXISTENT":          {providers.Gone, codeFolderMissing},
	"TRYCREATE":            {providers.Gone, codeFolderMissing},
	"UNAVAILABLE":          {providers.Transient, codeUnavailable},
	"SERVERBUG":            {providers.Transient, codeUnavailable},
	"INUSE":                {providers.Transient, codeUnavailable},
	"LIMIT":                {providers.Throttled, codeThrottled},
	"THROTTLED":            {providers.Throttled, codeThrottled},
	"CANNOT":               {providers.Rejected, codeRefused},
}

// slowDown is what servers say that want less of it, whatever the code: Gmail
// "[THROTTLED]" or "Too many simultaneous connections", Microsoft 365 "Request
// is throttled. Suggested Backoff Time: 92415 milliseconds", Dovecot
// "[UNAVAILABLE] Maximum number of connections from user+IP exceeded".
var slowDown = regexp.MustCompile(`(?i)throttl|back-?off time|too many (simultaneous |concurrent )?(connections|requests|commands|sessions|login)|rate limit|bandwidth limit|maximum number of connections`)

// byWords are the verdicts of what servers say without a code.
var byWords = []struct {
	words *regexp.Regexp
	fault fault
}{
	{regexp.MustCompile(`(?i)over ?quota|quota (exceeded|would be exceeded)|exceed\w* (the |your |its )?quota|mailbox (is )?full|not enough (disk )?(space|quota)`), fault{providers.Quota, codeOverquota}},
	{regexp.MustCompile(`(?i)(message|literal|mail|size)[^.]{0,30}(too (big|large)|exceed)|exceeds? (the )?maximum (message )?size`), fault{providers.Rejected, codeTooBig}},
	{regexp.MustCompile(`(?i)contains? (a )?(nul|bare|invalid)|bare (newline|lf|linefeed)|invalid header|nul (byte|character)`), fault{providers.Rejected, codeRefusedMessage}},
	{regexp.MustCompile(`(?i)(mailbox|folder) ?(does ?n[o']t exist|not found)|(no such|unknown|nonexistent) (mailbox|folder)`), fault{providers.Gone, codeFolderMissing}},
	{regexp.MustCompile(`(?i)temporar|try again|internal error|server busy`), fault{providers.Transient, codeUnavailable}},
}

func judge(a answer) fault {
	if slowDown.MatchString(a.text) {
		return fault{providers.Throttled, codeThrottled}
	}
	if f, known := byCode[a.code]; known {
		return f
	}
	for _, rule := range byWords {
		if rule.words.MatchString(a.text) {
			return rule.fault
		}
	}
	if a.name == "BYE" {
		return fault{providers.Transient, codeBye}
	}
	return fault{providers.Other, codeRefused}
}

var hint = regexp.MustCompile(`(?i)(?:back-?off time:?(?: is)?|try again (?:in|after)|wait|retry (?:in|after)):? (\d{1,9}) ?(ms|millisecond|s|sec|second|m|min|minute)`)

// retryAfter finds the wait that a server suggests.
func retryAfter(text string) time.Duration {
	found := hint.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		return 0
	}
	switch strings.ToLower(found[2]) {
	case "ms", "millisecond":
		return time.Duration(n) * time.Millisecond
	case "m", "min", "minute":
		return time.Duration(n) * time.Minute
	}
	return time.Duration(n) * time.Second
}

var noSuchUser = regexp.MustCompile(`(?i)(no such|unknown|non-?existent) (user|mailbox|account)|(user|mailbox|account) (does ?n[o']t exist|(is )?unknown|not found)`)

// signInError judges a failed sign-in. What the server says may echo what it
// was told: the secret is cut out of it.
func (e *endpoint) signInError(a account, c credentials, err error) error {
	status, ok := asAnswer(err)
	if !ok {
		return verdict("sign in", string(a.address), err)
	}
	f := judge(status)
	switch {
	case status.code == "NONEXISTENT" || noSuchUser.MatchString(status.text):
		f = fault{providers.Gone, codeNoMailbox}
	case status.code == "INUSE":
		f = fault{providers.Throttled, codeThrottled}
	case f.code == codeRefused || f.kind == providers.Rejected:
		f = fault{providers.Denied, codeSignIn}
	}
	return &providers.Error{Kind: f.kind, Code: f.code, Op: "sign in", Subject: string(a.address),
		RetryAfter: retryAfter(status.text), Response: saslText.ReplaceAllString(c.hide(status.words), hidden)}
}

// saslText is what an echoed SASL message looks like.
var saslText = regexp.MustCompile(`[A-Za-z0-9+/]{24,}={0,2}`)

// hidden stands where a secret was.
const hidden = "(secret)"

// hide takes the secret out of what a server says, in the forms in which it
// was told. A text that was cut may end with the beginning of one.
func (c credentials) hide(text string) string {
	for _, form := range c.forms() {
		text = strings.ReplaceAll(text, form, hidden)
		for n := min(len(form)-1, len(text)); n >= shortest; n-- {
			if cut, found := strings.CutSuffix(text, form[:n]); found {
				text = cut + hidden
				break
			}
		}
	}
	return text
}

// shortest is how long a secret, or the beginning of one, has to be to be told
// from ordinary text.
const shortest = 4

func (c credentials) forms() []string {
	if len(c.secret) < shortest {
		return nil
	}
	encode := base64.StdEncoding.EncodeToString
	_, xoauth2, _ := xoauth2{c}.Start()
	return []string{
		c.secret, encode([]byte(c.secret)), encode(xoauth2),
		encode([]byte(c.authzid + "\x00" + c.user + "\x00" + c.secret)),
	}
}

func unsupported(op string) error {
	return &providers.Error{Kind: providers.Unsupported, Code: codeUnsupported, Op: op, Err: errors.New("IMAP has no directory")}
}
