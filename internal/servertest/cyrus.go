package servertest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// Cyrus is a running Cyrus IMAP server. Accounts are made with AddUser; the
// administrator "cyrus" has Password too.
type Cyrus struct {
	Port  int
	Dir   string
	t     testing.TB
	root  string // of the unpacked package
	owner *user.User
}

// CyrusOptions change the configuration.
type CyrusOptions struct {
	// Settings are lines added to imapd.conf: "maxmessagesize: 1048576".
	Settings []string
}

// StartCyrus starts a Cyrus that ends with the test.
func StartCyrus(t testing.TB, o CyrusOptions) *Cyrus {
	t.Helper()
	c := &Cyrus{t: t, owner: account(t), Port: freePort(t), root: filepath.Join(Root(), ".test-servers", "cyrus")}
	if root := os.Getenv("CUTOVER_CYRUS_ROOT"); root != "" {
		c.root = root
	}
	if _, err := os.Stat(c.binary("imapd")); err != nil {
		Missing(t, "cyrus-imapd")
	}
	if _, err := exec.LookPath("saslpasswd2"); err != nil {
		Missing(t, "sasl2-bin")
	}
	if u, err := user.Current(); err != nil || u.Uid != "0" {
		Missing(t, "root, without which Cyrus does not start,")
	}
	c.Dir = tempDir(t, c.owner)
	for _, dir := range []string{"conf", "spool", "run"} {
		path := filepath.Join(c.Dir, dir)
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		own(t, c.owner, path)
	}
	c.write("imapd.conf", c.imapdConf(o))
	c.write("cyrus.conf", c.cyrusConf())
	c.addPassword("cyrus")
	t.Cleanup(c.Stop)
	launch(t, filepath.Join(c.Dir, "start.log"), c.command("master", "-d", "-M", filepath.Join(c.Dir, "cyrus.conf"), "-p", c.pidFile(), "-L", filepath.Join(c.Dir, "log")))
	waitListening(t, c.Port, func() string { text, _ := os.ReadFile(filepath.Join(c.Dir, "log")); return string(text) })
	return c
}

// Stop ends the server and waits until it has ended.
func (c *Cyrus) Stop() { stopByPIDFile(c.pidFile()) }

// AddUser makes an account with Password. Its mailbox has to be made by the
// administrator over IMAP: CREATE user/NAME.
func (c *Cyrus) AddUser(name string) { c.addPassword(name) }

// Tool runs one of the server's own tools (ctl_mboxlist, mbpath, reconstruct)
// and returns what it prints.
func (c *Cyrus) Tool(name string, args ...string) string {
	c.t.Helper()
	return run(c.t, c.command(name, args...))
}

// MailDir returns the directory in which the server keeps a mailbox, named in
// as the administrator does: "user/u1", "user/u1/Sent".
func (c *Cyrus) MailDir(mailbox string) string {
	return strings.TrimSpace(c.Tool("mbpath", mailbox))
}

func (c *Cyrus) pidFile() string { return filepath.Join(c.Dir, "master.pid") }

func (c *Cyrus) binary(name string) string { return filepath.Join(c.root, "usr/lib/cyrus/bin", name) }

func (c *Cyrus) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(c.binary(name), append([]string{"-C", filepath.Join(c.Dir, "imapd.conf")}, args...)...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Join(c.root, "usr/lib/x86_64-linux-gnu"))
	return cmd
}

func (c *Cyrus) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.Dir, name), []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c *Cyrus) addPassword(name string) {
	c.t.Helper()
	db := filepath.Join(c.Dir, "sasldb2")
	cmd := exec.Command("saslpasswd2", "-p", "-c", "-f", db, "-u", "localhost", name)
	cmd.Stdin = strings.NewReader(Password)
	run(c.t, cmd)
	own(c.t, c.owner, db)
}

func (c *Cyrus) imapdConf(o CyrusOptions) string {
	return strings.ReplaceAll(`configdirectory: @DIR@/conf
defaultpartition: default
partition-default: @DIR@/spool
proc_path: @DIR@/run/proc
mboxname_lockpath: @DIR@/run/lock
idlesocket: @DIR@/run/idle
lmtpsocket: @DIR@/run/lmtp
admins: cyrus
cyrus_user: `+c.owner.Username+`
unixhierarchysep: 1
altnamespace: 1
allowplaintext: yes
sasl_mech_list: PLAIN LOGIN
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: @DIR@/sasldb2
servername: localhost
specialusealways: 1
syslog_prefix: cutover-test
`+strings.Join(o.Settings, "\n")+"\n", "@DIR@", c.Dir)
}

func (c *Cyrus) cyrusConf() string {
	conf := filepath.Join(c.Dir, "imapd.conf")
	return fmt.Sprintf(`START {
  recover cmd="%s -r -C %s"
}
SERVICES {
  imap cmd="%s -C %s -U 30" listen="127.0.0.1:%d" prefork=0 maxchild=100
}
EVENTS {
}
`, c.binary("ctl_cyrusdb"), conf, c.binary("imapd"), conf, c.Port)
}
