package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/internal/servertest"
)

// TestFoldersChangePlaces: renamed with what is below, swapped, deleted, and
// made anew under the name of another, all between two runs.
func TestFoldersChangePlaces(t *testing.T) {
	for name, start := range map[string]func(*testing.T) server{
		"dovecot": func(t *testing.T) server { return startDovecot(t, servertest.DovecotOptions{}) },
		"cyrus": func(t *testing.T) server {
			return startCyrus(t, servertest.CyrusOptions{Settings: []string{"expunge_mode: immediate"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, dst := startDovecot(t, servertest.DovecotOptions{}), start(t)
			m := newMigration(t, src, dst, []string{"anna"})
			folders := []string{"Up", "Up/Mid", "Up/Mid/Low", "Left", "Right", "Gone", "Reused"}
			for i, f := range folders {
				deliver(t, src, "anna", f, generated(fmt.Sprintf("f%d", i), 10+i))
			}
			m.want(0, "apply", "-auto-approve")
			c := signIn(t, src.port(), "anna")
			defer c.Close()
			for _, names := range [][2]string{{"Up", "Above"}, {"Left", "x"}, {"Right", "Left"}, {"x", "Right"}, {"Reused", "Kept"}} {
				if err := c.Rename(names[0], names[1], nil).Wait(); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Delete("Gone").Wait(); err != nil {
				t.Fatal(err)
			}
			deliver(t, src, "anna", "Reused", generated("anew", 5))
			deliver(t, src, "anna", "Above/Mid", generated("late", 2))
			r := m.want(0, "apply", "-auto-approve")
			m.settle()
			// Swapped folders stay where they are, and a name that was in use when
			// the plan was made is not given away: the plan tells both.
			for f, place := range map[string]string{"Above": "Above", "Above/Mid": "Above/Mid", "Above/Mid/Low": "Above/Mid/Low",
				"Left": "Right", "Right": "Left", "Kept": "Kept", "Reused": "Reused (2)"} {
				if diff := difference(src.messages("anna", f), dst.messages("anna", place)); diff != "" {
					t.Errorf("%s: %s", f, diff)
				}
			}
			if v := m.run("verify"); v.code != 0 {
				t.Errorf("%s\n%s", r, v)
			}
			if strings.Contains(r.stderr, "item-ids-void") {
				t.Errorf("folders are not known again: %s", r)
			}
			if n := count(dst.messages("anna", "Gone")); n != 0 {
				t.Errorf("%d messages of a deleted folder are left", n)
			}
		})
	}
}

// TestKilledAndRenumbered: the run is killed in the middle of a copy, and the
// source gives all messages new UIDs before the next one.
func TestKilledAndRenumbered(t *testing.T) {
	for _, wait := range []time.Duration{350 * time.Millisecond, 800 * time.Millisecond} {
		t.Run(wait.String(), func(t *testing.T) {
			src, dst := startDovecot(t, servertest.DovecotOptions{}), startDovecot(t, servertest.DovecotOptions{})
			m := newMigration(t, src, dst, []string{"anna"})
			letters := generated("inbox", 1500)
			deliver(t, src, "anna", "INBOX", append(letters, letters[:50]...))
			cmd := m.command("apply", "-auto-approve")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
			timer.Stop()
			t.Logf("%d of %d when killed", count(dst.messages("anna", "INBOX")), 1550)
			rebuild(t, src, "anna", "INBOX")
			m.settle()
			m.equal("anna", "INBOX")
			m.want(0, "verify")
			expunge(t, src, "anna", "INBOX", "inbox 12")
			m.settle()
			// What was in doubt, and found when its UID meant nothing any more, is
			// not known to be ours and stays.
			if missing, _ := lacking(src.messages("anna", "INBOX"), dst.messages("anna", "INBOX")); missing > 0 {
				t.Errorf("%d messages are missing", missing)
			}
		})
	}
}
