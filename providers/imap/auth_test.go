package imap

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/internal/servertest"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

func ready(capability string) string { return "* OK [CAPABILITY IMAP4rev1 " + capability + "] ready" }

// after is what follows a sign-in that the server accepts.
var after = step{"LIST", []string{`* LIST () "/" ""`, "TAG OK done"}}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func tokenScript(t *testing.T, body string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return []string{file, "{address}"}
}

func TestSigningIn(t *testing.T) {
	none := func(*testing.T) object { return nil }
	token := func(auth string) func(t *testing.T) object {
		return func(t *testing.T) object {
			return object{"auth": auth, "token": object{"command": tokenScript(t, `echo "tok-$1-$CUTOVER_USERNAME"`)}}
		}
	}
	const bearer = "tok-anna@contoso.test-anna@contoso.test"
	capable := step{"CAPABILITY", []string{"* CAPABILITY IMAP4rev1", "TAG OK done"}}
	for _, c := range []struct {
		name, capability string
		settings         func(t *testing.T) object
		steps            []step
	}{
		{"login", "", none, []step{
			{`LOGIN "anna@contoso.test" "` + secretWord + `"`, []string{"TAG OK [CAPABILITY IMAP4rev1] in"}}}},
		{"capabilities are asked for again", "", none, []step{
			{`LOGIN`, []string{"TAG OK in"}}, capable}},
		{"plain at once", "AUTH=PLAIN SASL-IR", none, []step{
			{"AUTHENTICATE PLAIN " + encoded("\x00anna@contoso.test\x00"+secretWord), []string{"TAG OK [CAPABILITY IMAP4rev1] in"}}}},
		{"xoauth2", "AUTH=XOAUTH2 SASL-IR", token("auto"), []step{
			{"AUTHENTICATE XOAUTH2 " + encoded("user=anna@contoso.test\x01auth=Bearer "+bearer+"\x01\x01"), []string{"TAG OK [CAPABILITY IMAP4rev1] in"}}}},
		{"oauthbearer is preferred", "AUTH=XOAUTH2 AUTH=OAUTHBEARER SASL-IR", token("auto"), []step{
			{"AUTHENTICATE OAUTHBEARER " + encoded("n,a=anna@contoso.test,\x01auth=Bearer "+bearer+"\x01\x01"), []string{"TAG OK [CAPABILITY IMAP4rev1] in"}}}},
		{"xoauth2 is asked for", "AUTH=XOAUTH2 AUTH=OAUTHBEARER SASL-IR", token("xoauth2"), []step{
			{"AUTHENTICATE XOAUTH2 ", []string{"TAG OK [CAPABILITY IMAP4rev1] in"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := script{greeting: ready(c.capability), steps: append(c.steps, after)}
			if _, err := scripted(t, providers.Source, s, c.settings(t)).OpenMailbox(t.Context(), "anna@contoso.test"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestPlainWaitsForTheServer(t *testing.T) {
	s := script{greeting: ready("AUTH=PLAIN"), steps: []step{
		{"AUTHENTICATE PLAIN", []string{"+ "}},
		{"", []string{"c1 OK [CAPABILITY IMAP4rev1] in"}},
		after}}
	if _, err := scripted(t, providers.Source, s, nil).OpenMailbox(t.Context(), "anna@contoso.test"); err != nil {
		t.Fatal(err)
	}
}

func TestRefusedSignIns(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		kind         providers.Kind
		code         string
		wait         time.Duration
	}{
		{"wrong password", "TAG NO [AUTHENTICATIONFAILED] " + secretWord + " is wrong", providers.Denied, codeSignIn, 0},
		{"no code", "TAG NO LOGIN failed", providers.Denied, codeSignIn, 0},
		{"bad", "TAG BAD not now", providers.Denied, codeSignIn, 0},
		{"not available", "TAG NO [UNAVAILABLE] Temporary authentication failure", providers.Transient, codeUnavailable, 0},
		{"in use", "TAG NO [INUSE] Mailbox is locked", providers.Throttled, codeThrottled, 0},
		{"limit", "TAG NO [LIMIT] no more", providers.Throttled, codeThrottled, 0},
		{"too many", "TAG NO [ALERT] Too many simultaneous connections. (Failure)", providers.Throttled, codeThrottled, 0},
		{"dovecot's limit", "TAG NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)", providers.Throttled, codeThrottled, 0},
		{"microsoft's hint", "TAG NO Request is throttled. Suggested Backoff Time: 92415 milliseconds", providers.Throttled, codeThrottled, 92415 * time.Millisecond},
		{"no such user", "TAG NO [NONEXISTENT] No such user", providers.Gone, codeNoMailbox, 0},
		{"bye", "* BYE Autologout", providers.Transient, codeBye, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := script{greeting: ready(""), steps: []step{{"LOGIN", []string{c.answer, "CLOSE"}}}}
			_, err := scripted(t, providers.Source, s, nil).OpenMailbox(t.Context(), "anna@contoso.test")
			verdict, ok := errors.AsType[*providers.Error](err)
			if !ok || verdict.Kind != c.kind || verdict.Code != c.code || verdict.RetryAfter != c.wait {
				t.Fatalf("got %#v", err)
			}
			if strings.Contains(err.Error(), secretWord) {
				t.Errorf("the error holds the password: %v", err)
			}
		})
	}
}

func TestAnEchoedSignInIsCutOut(t *testing.T) {
	sent := encoded("\x00anna@contoso.test\x00" + secretWord)
	s := script{greeting: ready("AUTH=PLAIN SASL-IR"), steps: []step{{"AUTHENTICATE", []string{"TAG BAD Error in command AUTHENTICATE PLAIN " + sent}}}}
	_, err := scripted(t, providers.Source, s, nil).OpenMailbox(t.Context(), "anna@contoso.test")
	if err == nil || strings.Contains(err.Error(), sent) {
		t.Errorf("got %v", err)
	}
}

func TestARefusedTokenIsAskedForAgain(t *testing.T) {
	dir := t.TempDir()
	command := tokenScript(t, `echo x >> "`+dir+`/runs"; printf '{"access_token":"t%s","expires_in":3600}' $(wc -l < "`+dir+`/runs")`)
	tokens := newTokens(&rawToken{Command: command}, dir)
	now := time.Unix(1e9, 0)
	tokens.now = func() time.Time { return now }
	a := account{address: "anna@contoso.test"}
	get := func(want string) {
		t.Helper()
		if got, err := tokens.get(t.Context(), a, "anna"); err != nil || got != want {
			t.Fatalf("token is %q, %v; want %q", got, err, want)
		}
	}
	get("t1")
	get("t1")
	tokens.refused("anna", "another")
	get("t1")
	tokens.refused("anna", "t1")
	get("t2")
	now = now.Add(time.Hour)
	get("t3")
}

func TestAFailingTokenCommandTellsNoSecret(t *testing.T) {
	command := tokenScript(t, `echo `+secretWord+`; echo "cannot reach the issuer" >&2; exit 3`)
	_, err := newTokens(&rawToken{Command: command}, "").get(t.Context(), account{address: "anna@contoso.test"}, "anna")
	if providers.KindOf(err) != providers.Denied || providers.CodeOf(err) != codeToken {
		t.Fatalf("got %v", err)
	}
	if strings.Contains(err.Error(), secretWord) || !strings.Contains(err.Error(), "cannot reach the issuer") {
		t.Errorf("the error reads %q", err)
	}
}

func TestMasterOpensEveryMailbox(t *testing.T) {
	d := servertest.StartDovecot(t, servertest.DovecotOptions{})
	master := func(more object) object {
		m := object{"username": servertest.MasterUser, "password": servertest.MasterPassword}
		for k, v := range more {
			m[k] = v
		}
		return m
	}
	owner := openMailbox(t, openEndpoint(t, providers.Target, plain(d.Port, nil)), "anna@contoso.test")
	putAll(t, owner, message{folder: "INBOX", body: text(1), received: noon})
	for name, m := range map[string]object{"separator": master(nil), "authzid": master(object{"mode": "authzid"})} {
		t.Run(name, func(t *testing.T) {
			e := openEndpoint(t, providers.Target, plain(d.Port, object{"password": "", "master": m}))
			if f := folderAt(t, openMailbox(t, e, "anna@contoso.test"), "INBOX"); f.Items != 1 {
				t.Errorf("the inbox has %d messages", f.Items)
			}
		})
	}
	wrong := openEndpoint(t, providers.Target, plain(d.Port, object{"password": "", "master": object{"username": "master", "password": secretWord}}))
	_, err := wrong.OpenMailbox(t.Context(), "anna@contoso.test")
	if providers.KindOf(err) != providers.Denied || strings.Contains(err.Error(), secretWord) {
		t.Errorf("a wrong master password gives %v", err)
	}
}

func TestTLSIsVerified(t *testing.T) {
	d := servertest.StartDovecot(t, servertest.DovecotOptions{})
	set := func(more object) object {
		s := object{"host": "localhost", "port": d.TLSPort, "password": servertest.Password, "username": "{local}", "ca_file": d.CAFile, "timeout": "10s"}
		for k, v := range more {
			s[k] = v
		}
		return s
	}
	for _, c := range []struct {
		name string
		more object
		code string
	}{
		{"tls", nil, ""},
		{"starttls", object{"security": "starttls", "port": d.Port}, ""},
		{"another authority", object{"ca_file": ""}, codeTLS},
		{"another name", object{"server_name": "imap.example.org"}, codeTLS},
		{"starttls, another name", object{"security": "starttls", "port": d.Port, "server_name": "imap.example.org"}, codeTLS},
		{"not TLS", object{"port": d.Port}, codeTLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := openEndpoint(t, providers.Target, set(c.more)).OpenMailbox(t.Context(), "anna@contoso.test")
			if providers.CodeOf(err) != c.code {
				t.Fatalf("got %v, want code %q", err, c.code)
			}
			if err != nil {
				if providers.KindOf(err) != providers.Denied {
					t.Errorf("kind is %v", providers.KindOf(err))
				}
				return
			}
			defer m.Close()
			if folders, err := m.Folders(t.Context()); err != nil || len(folders) == 0 {
				t.Errorf("folders: %v, %v", folders, err)
			}
			putAll(t, m, message{folder: "INBOX", body: text(1), received: noon})
		})
	}
}

func TestStrippedSTARTTLSIsRefused(t *testing.T) {
	s := script{greeting: ready(""), steps: []step{{"STARTTLS", []string{"TAG BAD unknown command"}}}}
	_, err := scripted(t, providers.Source, s, object{"security": "starttls"}).OpenMailbox(t.Context(), "anna@contoso.test")
	if providers.CodeOf(err) != codeTLS {
		t.Errorf("got %v", err)
	}
	s = script{greeting: "* PREAUTH [CAPABILITY IMAP4rev1] come in"}
	_, err = scripted(t, providers.Source, s, object{"security": "starttls"}).OpenMailbox(t.Context(), "anna@contoso.test")
	if providers.CodeOf(err) != codeTLS {
		t.Errorf("PREAUTH gives %v", err)
	}
}

func TestConnectionsStayWithinTheLimit(t *testing.T) {
	d := servertest.StartDovecot(t, servertest.DovecotOptions{})
	e := openEndpoint(t, providers.Target, plain(d.Port, object{"max_connections": 1}))
	first := openMailbox(t, e, "anna@contoso.test")
	opened := make(chan error, 1)
	go func() {
		m, err := e.OpenMailbox(t.Context(), inventory.Address("anna@contoso.test"))
		if err == nil {
			m.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("a second session was opened: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	first.Close()
	first.Close()
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
}
