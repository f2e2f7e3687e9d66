package imap

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/cutover-mail/cutover/providers"
)

// script is a server that answers as written: for each command, in order, the
// command without its tag that is expected (a prefix of it) and the lines of
// the answer, in which "TAG" stands for the tag. A line "CLOSE" closes the
// connection. Expect "" takes a line that is no command.
type script struct {
	greeting string
	steps    []step
}

type step struct {
	expect string
	answer []string
}

// dialer returns a Dial function to a server that plays the script once.
func (s script) dialer(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer server.Close()
			s.play(t, server)
		}()
		t.Cleanup(func() { client.Close(); <-done })
		return client, nil
	}
}

func (s script) play(t *testing.T, conn net.Conn) {
	in := bufio.NewReader(conn)
	fmt.Fprintf(conn, "%s\r\n", s.greeting)
	for _, step := range s.steps {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Errorf("the client ended where %q was expected: %v", step.expect, err)
			return
		}
		line = strings.TrimSpace(line)
		tag, command, _ := strings.Cut(line, " ")
		if step.expect == "" {
			tag = "" // the answer knows its tag
			t.Logf("line: %s", line)
		} else if !strings.HasPrefix(command, step.expect) {
			t.Errorf("the client sent %q where %q was expected", command, step.expect)
			return
		}
		for _, answer := range step.answer {
			if answer == "CLOSE" {
				return
			}
			if _, err := io.WriteString(conn, strings.ReplaceAll(answer, "TAG", tag)+"\r\n"); err != nil {
				return
			}
		}
	}
	io.Copy(io.Discard, in) // LOGOUT
}

// scripted opens an endpoint on a script.
func scripted(t *testing.T, role providers.Role, s script, more object) providers.Endpoint {
	t.Helper()
	set := object{"host": "127.0.0.1", "security": "none", "timeout": "5s", "accounts": []object{{"address": "anna@contoso.test", "password": secretWord}}}
	for name, value := range more {
		if value == nil {
			delete(set, name)
			continue
		}
		set[name] = value
	}
	e, err := Provider{Dial: s.dialer(t)}.Open(t.Context(), providers.Options{Role: role, Name: "test", Settings: settingsOf(t, set)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

const secretWord = "planted-Secret-5501"

// signedIn is the beginning of a session that needs no sign-in.
func signedIn(capability string, steps ...step) script {
	return script{greeting: "* PREAUTH [CAPABILITY IMAP4rev1 " + capability + "] ready", steps: steps}
}
