package imap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/cutover-mail/cutover/providers"
)

// tokens runs the token command and keeps what it printed until it expires or
// the server refuses it. It may be used concurrently; commands run one at a
// time, because some of them open a browser or a lock file.
type tokens struct {
	command []string
	shared  bool
	folder  string
	now     func() time.Time
	run     func(ctx context.Context, command, environment []string, folder string) ([]byte, error)

	mu   sync.Mutex
	kept map[string]token
}

type token struct {
	value   string
	expires time.Time // zero: not stated
}

func newTokens(raw *rawToken, folder string) *tokens {
	if raw == nil {
		return nil
	}
	return &tokens{command: raw.Command, shared: raw.Shared, folder: folder, now: time.Now, run: runCommand, kept: map[string]token{}}
}

// get returns a token for the account.
func (t *tokens) get(ctx context.Context, a account, username string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := t.key(username)
	if kept, ok := t.kept[key]; ok && (kept.expires.IsZero() || t.now().Before(kept.expires)) {
		return kept.value, nil
	}
	printed, err := t.run(ctx, t.arguments(a, username), []string{"CUTOVER_ADDRESS=" + string(a.address), "CUTOVER_USERNAME=" + username}, t.folder)
	if err == nil {
		t.kept[key], err = t.parse(printed)
	}
	if err != nil {
		delete(t.kept, key)
		return "", &providers.Error{Kind: providers.Denied, Code: codeToken, Op: "get a token for", Subject: string(a.address), Err: err}
	}
	return t.kept[key].value, nil
}

// refused drops a token that the server did not take.
func (t *tokens) refused(username, value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if key := t.key(username); t.kept[key].value == value {
		delete(t.kept, key)
	}
}

func (t *tokens) key(username string) string {
	if t.shared {
		return ""
	}
	return username
}

func (t *tokens) arguments(a account, username string) []string {
	fill := strings.NewReplacer("{address}", string(a.address), "{username}", username)
	out := make([]string, len(t.command))
	for i, argument := range t.command {
		out[i] = fill.Replace(argument)
	}
	return out
}

// parse reads a bare token, or the answer of an OAuth 2 token endpoint (RFC
// 6749 section 5.1).
func (t *tokens) parse(printed []byte) (token, error) {
	text := strings.TrimSpace(string(printed))
	if strings.HasPrefix(text, "{") {
		var answer struct {
			AccessToken string  `json:"access_token"`
			ExpiresIn   float64 `json:"expires_in"`
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			return token{}, errors.New("the command printed JSON that cannot be read")
		}
		out := token{value: answer.AccessToken}
		if answer.ExpiresIn > 0 {
			const early = 30 * time.Second
			out.expires = t.now().Add(time.Duration(answer.ExpiresIn*float64(time.Second)) - early)
		}
		return out, out.check()
	}
	out := token{value: text}
	return out, out.check()
}

func (t token) check() error {
	if t.value == "" || strings.ContainsAny(t.value, " \t\r\n\x00\x01") {
		return errors.New("the command did not print one token")
	}
	return nil
}

// runCommand starts the program directly. Its output is a secret and appears
// in no error; the last line of its messages does.
func runCommand(ctx context.Context, command, environment []string, folder string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), environment...)
	cmd.WaitDelay = 5 * time.Second
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if line := lastLine(messages.String()); line != "" {
		return nil, errors.New(command[0] + ": " + err.Error() + ": " + line)
	}
	return nil, errors.New(command[0] + ": " + err.Error())
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	return last[:min(len(last), 300)]
}
