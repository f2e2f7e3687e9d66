package servertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2/imapclient"
)

func TestDovecotAnswers(t *testing.T) {
	d := StartDovecot(t, DovecotOptions{})
	signIn(t, d.Port, "anna@contoso.test", "anna@contoso.test*"+MasterUser, MasterPassword).Close()
	out := d.Doveadm("mailbox", "list", "-u", "anna@contoso.test")
	if !strings.Contains(out, "INBOX") {
		t.Errorf("doveadm lists %q, without INBOX", out)
	}
}

func TestCyrusAnswers(t *testing.T) {
	c := StartCyrus(t, CyrusOptions{})
	c.AddUser("anna")
	admin := signIn(t, c.Port, "cyrus", "cyrus", Password)
	if err := admin.Create("user/anna", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	admin.Close()
	signIn(t, c.Port, "anna", "anna", Password).Close()
	if dir := c.MailDir("user/anna"); !strings.HasPrefix(dir, c.Dir) {
		t.Errorf("mailbox is in %q", dir)
	}
}

func signIn(t *testing.T, port int, who, user, password string) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(fmt.Sprintf("127.0.0.1:%d", port), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Login(user, password).Wait(); err != nil {
		t.Fatalf("sign in as %s: %v", who, err)
	}
	return c
}
