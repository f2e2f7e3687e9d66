package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds on what a server may make the client hold. A search result is the
// longest line there is: half a million UIDs.
const (
	maxLine    = 16 << 20
	maxLiteral = 1 << 20
	maxDepth   = 32
)

// ErrSyntax is an answer that is not IMAP.
var ErrSyntax = errors.New("malformed response")

// reader reads responses. It takes what the grammar of RFC 9051 section 9
// allows and the deviations seen in the field: missing texts, several spaces,
// 8-bit names, unknown responses.
type reader struct {
	br   *bufio.Reader
	left int // bytes that the current response may still have
}

func (r *reader) read() (Response, error) {
	r.left = maxLine
	response, err := r.response()
	if errors.Is(err, ErrSyntax) {
		return response, fmt.Errorf("%w after %q", err, clip(response.Tag+" "+response.Name))
	}
	return response, err
}

func clip(s string) string { return s[:min(len(s), 80)] }

func (r *reader) response() (Response, error) {
	var out Response
	tag, err := r.word()
	if err != nil {
		return out, err
	}
	out.Tag = tag
	if tag == "+" {
		out.Text, err = r.line()
		return out, err
	}
	if err := r.name(&out); err != nil {
		return out, err
	}
	if out.Status() {
		return out, r.status(&out)
	}
	if out.Values, err = r.values('\n', 0); err != nil {
		return out, err
	}
	return out, nil
}

// name reads the word after the tag, and the number before it if there is one.
func (r *reader) name(out *Response) error {
	word, err := r.word()
	if err != nil {
		return err
	}
	if n, bad := strconv.ParseUint(word, 10, 32); bad == nil {
		out.Number = uint32(n)
		if word, err = r.word(); err != nil {
			return err
		}
	}
	if word == "" {
		return ErrSyntax
	}
	out.Name = strings.ToUpper(word)
	return nil
}

func (r *reader) status(out *Response) error {
	line, err := r.line()
	if err != nil {
		return err
	}
	if rest, found := strings.CutPrefix(line, "["); found {
		if code, text, closed := strings.Cut(rest, "]"); closed {
			name, arg, _ := strings.Cut(code, " ")
			out.Code, out.CodeArg = strings.ToUpper(name), arg
			line = strings.TrimLeft(text, " ")
		}
	}
	out.Text = line
	return nil
}

// word reads up to a space or the end of the line, and the spaces after it.
func (r *reader) word() (string, error) {
	var b []byte
	for {
		c, err := r.byte()
		if err != nil {
			return "", err
		}
		switch c {
		case ' ':
			return string(b), r.spaces()
		case '\r':
		case '\n':
			return string(b), r.br.UnreadByte()
		default:
			b = append(b, c)
		}
	}
}

func (r *reader) spaces() error {
	for {
		c, err := r.byte()
		if err != nil {
			return err
		}
		if c != ' ' {
			return r.br.UnreadByte()
		}
	}
}

func (r *reader) line() (string, error) {
	var b []byte
	for {
		c, err := r.byte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			return strings.TrimSuffix(string(b), "\r"), nil
		}
		b = append(b, c)
	}
}

// values reads until end, which is '\n' for a line and ')' for a list.
func (r *reader) values(end byte, depth int) ([]Value, error) {
	if depth > maxDepth {
		return nil, ErrSyntax
	}
	var out []Value
	for {
		c, err := r.byte()
		switch {
		case err != nil:
			return nil, err
		case c == end:
			return out, nil
		case c == ' ' || c == '\r':
			continue
		case c == '\n' || c == ')':
			return nil, ErrSyntax
		}
		value, err := r.value(c, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, value)
	}
}

func (r *reader) value(first byte, depth int) (Value, error) {
	switch first {
	case '(':
		items, err := r.values(')', depth+1)
		return Value{Kind: List, List: items}, err
	case '"':
		text, err := r.quoted()
		return Value{Kind: String, Text: text}, err
	case '{':
		text, err := r.literal()
		return Value{Kind: String, Text: text}, err
	}
	text, err := r.atom(first)
	if strings.EqualFold(text, "NIL") {
		return Value{Kind: Nil}, err
	}
	return Value{Kind: Atom, Text: text}, err
}

func (r *reader) atom(first byte) (string, error) {
	b := []byte{first}
	for {
		c, err := r.byte()
		if err != nil {
			return "", err
		}
		switch c {
		case ' ', '(', ')', '\r', '\n':
			return string(b), r.br.UnreadByte()
		}
		b = append(b, c)
	}
}

func (r *reader) quoted() (string, error) {
	var b []byte
	for {
		c, err := r.byte()
		if err != nil {
			return "", err
		}
		switch c {
		case '"':
			return string(b), nil
		case '\n':
			return "", ErrSyntax
		case '\\':
			if c, err = r.byte(); err != nil {
				return "", err
			}
		}
		b = append(b, c)
	}
}

func (r *reader) literal() (string, error) {
	line, err := r.line()
	if err != nil {
		return "", err
	}
	digits, closed := strings.CutSuffix(line, "}")
	n, bad := strconv.ParseUint(strings.TrimSuffix(digits, "+"), 10, 32)
	if !closed || bad != nil || n > maxLiteral {
		return "", ErrSyntax
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.br, b); err != nil {
		return "", err
	}
	return string(b), nil
}

func (r *reader) byte() (byte, error) {
	if r.left--; r.left < 0 {
		return 0, fmt.Errorf("%w: longer than %d bytes", ErrSyntax, maxLine)
	}
	return r.br.ReadByte()
}
