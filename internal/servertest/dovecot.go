package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Password is that of every account of every test server; MasterUser and
// MasterPassword sign in for all of them.
const (
	Password       = "user-Secret-7431"
	MasterUser     = "master"
	MasterPassword = "master-Secret-9120"
)

// Dovecot is a running Dovecot. Every user name is an account with Password;
// its mailbox is made at the first sign-in.
type Dovecot struct {
	Port, TLSPort int
	Dir           string // holds dovecot.conf, tls/cert.pem, mail/USER
	CAFile        string
	t             testing.TB
	owner         *user.User
}

// DovecotOptions change the configuration.
type DovecotOptions struct {
	// Format is the mail store: maildir (default), sdbox, mdbox.
	Format string
	// Separator of the personal namespace; default "/".
	Separator string
	// Extra is added at the end of the configuration, Plugins to
	// mail_plugins of the imap service.
	Extra, Plugins string
	// Users, if not empty, are the only accounts.
	Users []string
	// Capability replaces what the server offers (imap_capability).
	Capability string
}

// StartDovecot starts a Dovecot that ends with the test.
func StartDovecot(t testing.TB, o DovecotOptions) *Dovecot {
	t.Helper()
	if _, err := exec.LookPath("dovecot"); err != nil {
		Missing(t, "dovecot")
	}
	d := &Dovecot{t: t, owner: account(t), Port: freePort(t), TLSPort: freePort(t)}
	d.Dir = tempDir(t, d.owner)
	d.CAFile = filepath.Join(d.Dir, "tls", "cert.pem")
	mail := filepath.Join(d.Dir, "mail")
	for _, dir := range []string{mail, filepath.Join(d.Dir, "tls"), filepath.Join(d.Dir, "run")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	own(t, d.owner, mail)
	certificate(t, filepath.Join(d.Dir, "tls"))
	d.write("masters", MasterUser+":{PLAIN}"+MasterPassword+"\n")
	var users strings.Builder
	for _, u := range o.Users {
		fmt.Fprintf(&users, "%s:{PLAIN}%s:%s:%s::%s/%s\n", u, Password, d.owner.Uid, d.owner.Gid, mail, u)
	}
	d.write("users", users.String())
	d.write("dovecot.conf", d.configuration(o))
	t.Cleanup(d.Stop)
	d.Start()
	return d
}

func (d *Dovecot) conf() string { return filepath.Join(d.Dir, "dovecot.conf") }

func (d *Dovecot) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.Dir, name), []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// Log returns what the server has logged.
func (d *Dovecot) Log() string {
	text, _ := os.ReadFile(filepath.Join(d.Dir, "run", "dovecot.log"))
	return string(text)
}

// Doveadm runs Dovecot's administration tool and returns what it prints.
func (d *Dovecot) Doveadm(args ...string) string {
	d.t.Helper()
	return run(d.t, exec.Command("doveadm", append([]string{"-c", d.conf()}, args...)...))
}

// Home returns the home directory of a user, which holds the mail store.
func (d *Dovecot) Home(user string) string { return filepath.Join(d.Dir, "mail", user) }

// Stop ends the server and waits until it has ended. A second call does
// nothing.
func (d *Dovecot) Stop() { stopByPIDFile(filepath.Join(d.Dir, "run", "base", "master.pid")) }

// Start starts it again after Stop, on the same ports.
func (d *Dovecot) Start() {
	d.t.Helper()
	launch(d.t, filepath.Join(d.Dir, "start.log"), exec.Command("dovecot", "-c", d.conf()))
	waitListening(d.t, d.Port, d.Log)
}

// stopByPIDFile ends the process named in a pid file.
func stopByPIDFile(path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	var pid int
	if _, err := fmt.Sscan(string(text), &pid); err != nil || pid <= 1 {
		return
	}
	syscall.Kill(pid, syscall.SIGTERM)
	for range 200 {
		if ended(pid) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	syscall.Kill(pid, syscall.SIGKILL)
}

// ended reports whether a process has, even if nobody has waited for it yet.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}

func (d *Dovecot) configuration(o DovecotOptions) string {
	if o.Format == "" {
		o.Format = "maildir"
	}
	if o.Separator == "" {
		o.Separator = "/"
	}
	location := o.Format + ":~/" + o.Format
	if o.Format == "maildir" {
		location = "maildir:~/Maildir"
	}
	userdb := `passdb {
  driver = static
  args = password=` + Password + `
}
userdb {
  driver = static
  args = uid=@UID@ gid=@GID@ home=@DIR@/mail/%u allow_all_users=yes
}`
	if len(o.Users) > 0 {
		userdb = `passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u @DIR@/users
}
userdb {
  driver = passwd-file
  args = username_format=%u @DIR@/users
}`
	}
	extra := o.Extra
	if o.Plugins != "" {
		extra += "\nprotocol imap {\n  mail_plugins = " + o.Plugins + "\n}\n"
	}
	if o.Capability != "" {
		extra += "\nprotocol imap {\n  imap_capability = " + o.Capability + "\n}\n"
	}
	return strings.NewReplacer(
		"@USERDB@", "", "@DIR@", d.Dir, "@UID@", d.owner.Uid, "@GID@", d.owner.Gid,
		"@PORT@", fmt.Sprint(d.Port), "@TLSPORT@", fmt.Sprint(d.TLSPort), "@LOCATION@", location, "@SEPARATOR@", o.Separator,
	).Replace(dovecotConf + userdb + "\n" + extra)
}

const dovecotConf = `base_dir = @DIR@/run/base
state_dir = @DIR@/run
log_path = @DIR@/run/dovecot.log
instance_name = cutover-@PORT@
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <@DIR@/tls/cert.pem
ssl_key = <@DIR@/tls/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_master_user_separator = *
mail_location = @LOCATION@
mail_home = @DIR@/mail/%u
mail_uid = @UID@
mail_gid = @GID@
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 200
default_vsz_limit = 1G
auth_failure_delay = 0
namespace inbox {
  inbox = yes
  separator = @SEPARATOR@
  mailbox Drafts {
    special_use = \Drafts
  }
  mailbox Junk {
    special_use = \Junk
  }
  mailbox Sent {
    special_use = \Sent
  }
  mailbox Trash {
    special_use = \Trash
  }
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u @DIR@/masters
  master = yes
  result_success = continue
}
service imap-login {
  inet_listener imap {
    port = @PORT@
  }
  inet_listener imaps {
    port = @TLSPORT@
  }
}
service imap {
  process_limit = 200
}
service stats {
  chroot =
}
`

// certificate writes cert.pem and key.pem for localhost, its own authority.
func certificate(t testing.TB, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
