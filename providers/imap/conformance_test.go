package imap

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cutover-mail/cutover/internal/servertest"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/wire"
	"github.com/cutover-mail/cutover/providers/providertest"
)

// conform runs the suite against a server; make makes an account.
func conform(t *testing.T, port int, makeAccount func(t *testing.T, name string), change func(h *providertest.Harness)) {
	var made atomic.Int32
	var accounts []object
	for i := range 200 {
		accounts = append(accounts, object{"address": fmt.Sprintf("u%d@contoso.test", i+1)})
	}
	set := func(role providers.Role) object {
		more := object{"max_connections": 10}
		if role == providers.Source {
			more["accounts"] = accounts
		}
		return plain(port, more)
	}
	h := providertest.Harness{
		Provider: Provider{},
		Options: func(t *testing.T, role providers.Role) providers.Options {
			return providers.Options{Role: role, Name: "test", Settings: settingsOf(t, set(role))}
		},
		NewMailbox: func(t *testing.T) inventory.Address {
			name := fmt.Sprintf("u%d", made.Add(1))
			makeAccount(t, name)
			return inventory.Address(name + "@contoso.test")
		},
		Wrong: []providertest.Wrong{
			{Name: "no host", Role: providers.Target, Settings: settingsOf(t, object{"password": "p"}), Path: []string{"host"}},
			{Name: "plaintext", Role: providers.Target, Settings: settingsOf(t, object{"host": "mail.example.org", "security": "none", "password": "p"}), Path: []string{"security"}},
			{Name: "no accounts", Role: providers.Source, Settings: settingsOf(t, object{"host": "mail.example.org", "password": "p"}), Path: []string{"accounts"}},
		},
	}
	h.RefusesEmpty = true // Dovecot: "Can't save a zero byte message", Cyrus: "Zero-length message literal"
	change(&h)
	providertest.Run(t, h)
}

func TestConformanceOnDovecot(t *testing.T) {
	var users []string
	for i := range 200 {
		users = append(users, fmt.Sprintf("u%d", i+1))
	}
	d := servertest.StartDovecot(t, servertest.DovecotOptions{Users: users})
	conform(t, d.Port, func(*testing.T, string) {}, func(h *providertest.Harness) {
		h.ShiftsZone = true // a file's time has no zone
		h.KeepsNUL = false
		h.ResetEpoch = func(t *testing.T, address inventory.Address, path inventory.Path) {
			local, _, _ := strings.Cut(string(address), "@")
			d.Doveadm("mailbox", "update", "-u", local, "--uid-validity", "4711", strings.Join(path, "/"))
		}
		h.Skip = map[string]string{"PutReceived": "Dovecot 2.3 stores a received time in the future as the present"}
	})
}

func TestConformanceOnCyrus(t *testing.T) {
	c := servertest.StartCyrus(t, servertest.CyrusOptions{Settings: []string{"munge8bit: 0"}}) // the default writes X for 8-bit bytes in headers
	admin := openMailbox(t, openEndpoint(t, providers.Target, plain(c.Port, object{"username": "cyrus"})), "cyrus@contoso.test")
	conform(t, c.Port, func(t *testing.T, name string) {
		c.AddUser(name)
		if err := admin.all(t.Context(), nil, wire.Cmd("CREATE").Str("user/"+name)); err != nil {
			t.Fatal(err)
		}
	}, func(h *providertest.Harness) { h.ShiftsZone = true })
}
