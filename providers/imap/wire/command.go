package wire

import (
	"fmt"
	"strings"
)

// Command is one command without its tag. It is made of atoms, which are sent
// as they are, and strings, which are quoted or sent as literals.
type Command struct {
	name string
	args []arg
}

type arg struct {
	text    string
	literal bool // else text is sent as it is
}

// Cmd starts a command: a name such as "UID STORE".
func Cmd(name string) *Command { return &Command{name: name} }

// Atom adds text as it is: it must be valid in a command line.
func (c *Command) Atom(text string) *Command {
	c.args = append(c.args, arg{text: text})
	return c
}

// Str adds a string of any bytes but NUL: a folder name, a password.
func (c *Command) Str(text string) *Command {
	if !quotable(text) {
		c.args = append(c.args, arg{text: text, literal: true})
		return c
	}
	return c.Atom(quote(text))
}

// List adds atoms in parentheses.
func (c *Command) List(atoms ...string) *Command {
	return c.Atom("(" + strings.Join(atoms, " ") + ")")
}

// Check refuses what cannot be sent.
func (c *Command) check() error {
	for _, a := range c.args {
		if strings.Contains(a.text, "\x00") || !a.literal && strings.ContainsAny(a.text, "\r\n") {
			return fmt.Errorf("%s: an argument holds a character that IMAP cannot carry", c.name)
		}
	}
	return nil
}

func quotable(s string) bool {
	if len(s) > 1000 {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
