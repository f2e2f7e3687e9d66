package imapstream

import (
	"bytes"
	"strconv"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// attributes are those of one FETCH response that this package asks for.
type attributes struct {
	uid      uint32
	flags    inventory.Flags
	received time.Time
	size     int64
	modSeq   uint64
	// Which were there at all.
	hasFlags, hasReceived, hasBody bool
}

// bodyKind is how the server sent a body.
type bodyKind uint8

const (
	bodyNIL bodyKind = iota
	bodyQuoted
	bodyLiteral
)

// fetchReply parses the attributes of a FETCH response, the scanner standing
// at its parenthesis, up to the end of the response. body is called when the
// body is reached, with what came before it in a; it gets the content and its
// size.
func (s *Stream) fetchReply(a *attributes, body func(kind bodyKind, content *literal, quoted []byte) error) error {
	*a = attributes{size: -1}
	s.spaces()
	if s.peek() != '(' {
		return s.syntax("attributes expected")
	}
	s.pos++
	// Domino puts single attributes in parentheses of their own.
	for depth := 1; depth > 0; {
		s.spaces()
		switch {
		case s.pos >= len(s.line):
			return s.syntax("attributes without end")
		case s.peek() == '(':
			depth++
			s.pos++
		case s.peek() == ')':
			depth--
			s.pos++
		default:
			if err := s.attribute(a, body); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Stream) attribute(a *attributes, body func(bodyKind, *literal, []byte) error) error {
	name := s.word()
	if len(name) == 0 {
		return s.syntax("attribute expected")
	}
	is := func(known string) bool { return len(name) == len(known) && bytes.EqualFold(name, []byte(known)) }
	switch {
	case is("UID"):
		return s.uid(a)
	case is("FLAGS"):
		a.hasFlags = true
		return s.flagList(a)
	case is("INTERNALDATE"):
		a.hasReceived = true
		return s.internalDate(a)
	case is("RFC822.SIZE"):
		return s.size(a)
	case is("MODSEQ"):
		return s.modSeq(a)
	case body != nil && (is("BODY[]") || is("BODY[]<0>")):
		a.hasBody = true
		return s.body(body)
	}
	return s.skipValue()
}

func (s *Stream) uid(a *attributes) error {
	s.spaces()
	uid, ok := parseUID(s.word())
	if !ok {
		return s.syntax("UID that is no number")
	}
	a.uid = uid
	return nil
}

func (s *Stream) flagList(a *attributes) error {
	s.spaces()
	if s.peek() != '(' {
		return s.skipValue()
	}
	end := bytes.IndexByte(s.line[s.pos:], ')')
	if end < 0 {
		return s.syntax("flags without end")
	}
	a.flags = s.tap.flags.intern(s.line[s.pos+1 : s.pos+end])
	s.pos += end + 1
	return nil
}

// internalDate leaves a.received zero for a date that makes no sense.
func (s *Stream) internalDate(a *attributes) error {
	s.spaces()
	if s.peek() != '"' {
		return s.skipValue()
	}
	text, err := s.quoted()
	if err != nil {
		return err
	}
	a.received = s.tap.zones.date(text)
	return nil
}

// size leaves a.size at -1 for what is no size.
func (s *Stream) size(a *attributes) error {
	s.spaces()
	if n, err := strconv.ParseInt(string(s.word()), 10, 64); err == nil && n >= 0 {
		a.size = n
	}
	return nil
}

// modSeq leaves a.modSeq 0 for what is none: Zoho sends negative ones.
func (s *Stream) modSeq(a *attributes) error {
	s.spaces()
	if s.peek() != '(' {
		return s.skipValue()
	}
	s.pos++
	a.modSeq, _ = s.number()
	for s.pos < len(s.line) && s.peek() != ')' {
		s.pos++
	}
	if s.pos >= len(s.line) {
		return s.syntax("MODSEQ without end")
	}
	s.pos++
	return nil
}

func (s *Stream) body(give func(bodyKind, *literal, []byte) error) error {
	s.spaces()
	switch {
	case s.literalNext():
		n, err := s.literalSize()
		if err != nil {
			return err
		}
		content := &literal{r: s.in, left: n}
		if err := give(bodyLiteral, content, nil); err != nil {
			return err
		}
		if err := content.finish(); err != nil {
			return err
		}
		return s.next()
	case s.peek() == '"':
		text, err := s.quoted()
		if err != nil {
			return err
		}
		return give(bodyQuoted, nil, text)
	case bytes.EqualFold(s.word(), []byte("NIL")):
		return give(bodyNIL, nil, nil)
	}
	return s.syntax("body expected")
}

// messageData splits an untagged "n KIND": which kind it is, leaving the
// scanner behind it. ok is false for responses of another form.
func (s *Stream) messageData() (kind []byte, ok bool) {
	if _, ok := s.number(); !ok {
		return nil, false
	}
	s.spaces()
	return s.word(), true
}
