package wire

import "fmt"

// StatusError is an answer NO, BAD or BYE.
type StatusError struct {
	Command       string // the command's name, without its arguments
	Name          string // NO, BAD, BYE
	Code, CodeArg string
	Text          string
}

func statusError(command string, r Response) *StatusError {
	return &StatusError{Command: command, Name: r.Name, Code: r.Code, CodeArg: r.CodeArg, Text: r.Text}
}

// Error returns the command and the server's words.
func (e *StatusError) Error() string { return e.Command + ": " + e.Words() }

// Words is what the server said, without the command.
func (e *StatusError) Words() string {
	switch {
	case e.Code != "" && e.CodeArg != "":
		return fmt.Sprintf("%s [%s %s] %s", e.Name, e.Code, e.CodeArg, e.Text)
	case e.Code != "":
		return fmt.Sprintf("%s [%s] %s", e.Name, e.Code, e.Text)
	}
	return e.Name + " " + e.Text
}
