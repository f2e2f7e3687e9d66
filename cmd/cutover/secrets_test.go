package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// checkNowhere is `nowhere SECRET`: it stands in no file of the script, in no
// output so far, and in the command line of no process of this machine.
func checkNowhere(ts *testscript.TestScript, _ bool, args []string) {
	secret := []byte(args[0])
	ts.Check(nowhere(ts.Getenv("WORK"), secret))
	for name, p := range worldOf(ts).processes {
		if text, _ := p.out.now(); bytes.Contains([]byte(text), secret) {
			ts.Fatalf("%s has written the secret", name)
		}
	}
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	ts.Check(err)
	plugins := 0
	for _, file := range lines {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		if bytes.Contains(line, secret) {
			ts.Fatalf("%s holds the secret: %q", file, line)
		}
		if bytes.Contains(line, []byte("serve-provider")) {
			plugins++
			environment, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "environ"))
			if bytes.Contains(environment, secret) {
				ts.Fatalf("the environment of a plugin holds the secret")
			}
		}
	}
	if len(args) > 1 && plugins == 0 {
		ts.Fatalf("no plugin is running")
	}
}

// nowhere returns an error that names the first file below dir with the secret.
func nowhere(dir string, secret []byte) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // gone meanwhile
		}
		text, err := os.ReadFile(path)
		if err == nil && bytes.Contains(text, secret) {
			return fmt.Errorf("%s holds the secret", path)
		}
		return nil
	})
}

// hostile is an IMAP server that says back what it was told in confidence, in
// every way that it can find: as it was, and in base64.
type hostile struct {
	accepts bool // the sign-in; what comes after is refused
	said    chan string
}

func (h *hostile) listen(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go h.serve(c)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func (h *hostile) serve(c net.Conn) {
	defer c.Close()
	fmt.Fprint(c, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2 ID NAMESPACE] ready\r\n")
	in := bufio.NewScanner(c)
	heard := ""
	for in.Scan() {
		tag, rest, _ := strings.Cut(in.Text(), " ")
		switch verb, arguments, _ := strings.Cut(rest, " "); strings.ToUpper(verb) {
		case "CAPABILITY":
			fmt.Fprintf(c, "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2 ID NAMESPACE\r\n%s OK done\r\n", tag)
		case "AUTHENTICATE":
			heard = arguments[strings.LastIndex(arguments, " ")+1:]
			plain, _ := base64.StdEncoding.DecodeString(heard)
			heard += " " + strings.NewReplacer("\x00", " ", "\x01", " ").Replace(string(plain))
			h.told(heard)
			fmt.Fprintf(c, "* OK [ALERT] you said %s\r\n", heard)
			if h.accepts {
				fmt.Fprintf(c, "%s OK welcome with %s\r\n", tag, heard)
			} else {
				fmt.Fprintf(c, "%s NO [AUTHENTICATIONFAILED] not with %s\r\n", tag, heard)
			}
		case "ID":
			fmt.Fprintf(c, "* ID (\"name\" \"%s\")\r\n%s OK done\r\n", heard, tag)
		case "NAMESPACE":
			fmt.Fprintf(c, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n%s OK done\r\n", tag)
		case "LOGOUT":
			fmt.Fprintf(c, "* BYE %s\r\n%s OK %s\r\n", heard, tag, heard)
			return
		default:
			fmt.Fprintf(c, "* NO %s\r\n%s NO [NOPERM] no %s for %s\r\n", heard, tag, verb, heard)
		}
	}
}

func (h *hostile) told(text string) {
	select {
	case h.said <- text:
	default:
	}
}

const planted = "Planted-S3cret-77"

// secretWays are the ways of giving the source its secret.
var secretWays = map[string]string{
	"password":  `password = var.secret`,
	"account":   `accounts_here`,
	"separator": "master {\n username = \"migrator\"\n password = var.secret\n }",
	"authzid":   "master {\n username = \"migrator\"\n password = env(\"MASTER\")\n mode = \"authzid\"\n }",
	"token":     "token {\n command = [\"sh\", \"-c\", \"cat ../token-of-$CUTOVER_USERNAME\"]\n }",
}

// TestSecretsEchoed: whatever a hostile server says back stands in no output
// and no file.
func TestSecretsEchoed(t *testing.T) {
	for way, settings := range secretWays {
		for _, accepts := range []bool{false, true} {
			for _, isolate := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/accepts=%t/isolate=%t", way, accepts, isolate), func(t *testing.T) {
					t.Parallel()
					echoed(t, settings, accepts, isolate)
				})
			}
		}
	}
}

func echoed(t *testing.T, settings string, accepts, isolate bool) {
	h := &hostile{accepts: accepts, said: make(chan string, 1)}
	port := h.listen(t)
	outside := t.TempDir()
	dir := filepath.Join(outside, "migration")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	accounts := `[{ address = "anna@contoso.test" }]`
	if settings == "accounts_here" {
		accounts, settings = `[{ address = "anna@contoso.test", password = var.secret }]`, ""
	}
	write(t, filepath.Join(outside, "token-of-anna@contoso.test"), planted)
	write(t, filepath.Join(dir, "main.hcl"), fmt.Sprintf(hostileConfig, isolate, port, accounts, settings))
	env := append(os.Environ(), "CUTOVER_VAR_secret="+planted, "MASTER="+planted, "NO_COLOR=1")
	var all bytes.Buffer
	for _, args := range []string{
		"validate -json", "plan", "plan -json", "plan -markdown", "plan -out it.plan", "-debug plan",
		"apply -auto-approve", "-debug apply -auto-approve -json", "verify", "report", "state list", "state runs -json",
	} {
		cmd := exec.Command("cutover", strings.Fields(args)...)
		cmd.Dir, cmd.Env = dir, env
		out, _ := cmd.CombinedOutput()
		all.Write(out)
		if bytes.Contains(out, []byte(planted)) {
			t.Fatalf("cutover %s shows the secret:\n%s", args, out)
		}
		if args == "plan" && !bytes.Contains(out, []byte("anna@contoso.test")) {
			t.Fatalf("the plan does not come to the mailbox:\n%s", out)
		}
	}
	select {
	case said := <-h.said:
		if !strings.Contains(said, planted) {
			t.Fatalf("the server was told %q", said)
		}
		encoded, _, _ := strings.Cut(said, " ")
		if bytes.Contains(all.Bytes(), []byte(encoded)) {
			t.Errorf("the secret is shown in base64:\n%s", &all)
		}
		if err := nowhere(dir, []byte(encoded)); err != nil {
			t.Error(err)
		}
	default:
		t.Fatal("the server was told nothing")
	}
	if err := nowhere(dir, []byte(planted)); err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, path, text string) {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const hostileConfig = `
cutover {
  provider "imap" {
    isolate = %t
  }
}

variable "secret" {
  sensitive = true
}

source "imap" "old" {
  host     = "127.0.0.1"
  port     = %d
  security = "none"
  accounts = %s
  %s
}

target "archive" "new" {
  path = "archive"
}

migration "contoso" {
  from             = source.imap.old
  to               = target.archive.new
  accepted_domains = ["contoso.test"]
}
`
