package imapstream

import (
	"bytes"
	"math"
)

// scanner reads the tokens of one response. line is the part up to the next
// literal; it moves as literals are passed.
type scanner struct {
	in   *reader
	line []byte
	pos  int
	lit  literal // for skipping
}

// next makes the following line the one to scan.
func (s *scanner) next() (err error) {
	s.line, err = s.in.line()
	s.pos = 0
	return err
}

func (s *scanner) peek() byte {
	if s.pos < len(s.line) {
		return s.line[s.pos]
	}
	return 0
}

func (s *scanner) spaces() {
	for s.pos < len(s.line) && s.line[s.pos] == ' ' {
		s.pos++
	}
}

// word returns the bytes up to the next space, parenthesis or end. Brackets
// hold everything together: BODY[HEADER.FIELDS (DATE)]<0>.
func (s *scanner) word() []byte {
	start, depth := s.pos, 0
	for ; s.pos < len(s.line); s.pos++ {
		switch c := s.line[s.pos]; {
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case depth == 0 && (c == ' ' || c == '(' || c == ')'):
			return s.line[start:s.pos]
		}
	}
	return s.line[start:]
}

// number reads decimal digits.
func (s *scanner) number() (uint64, bool) {
	start := s.pos
	for s.pos < len(s.line) && s.line[s.pos] >= '0' && s.line[s.pos] <= '9' {
		s.pos++
	}
	return parseNumber(s.line[start:s.pos])
}

func parseNumber(digits []byte) (n uint64, ok bool) {
	for _, c := range digits {
		if c < '0' || c > '9' || n > (math.MaxUint64-9)/10 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(digits) > 0
}

func parseUID(digits []byte) (uint32, bool) {
	n, ok := parseNumber(digits)
	if !ok || n == 0 || n > math.MaxUint32 {
		return 0, false
	}
	return uint32(n), true
}

// quoted reads a quoted string. What it returns may point into the line.
func (s *scanner) quoted() ([]byte, error) {
	start := s.pos + 1
	escaped := false
	for i := start; i < len(s.line); i++ {
		switch s.line[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			s.pos = i + 1
			if escaped {
				return unescape(s.line[start:i]), nil
			}
			return s.line[start:i], nil
		}
	}
	return nil, s.syntax("quoted string without end")
}

func unescape(quoted []byte) []byte {
	plain := make([]byte, 0, len(quoted))
	for i := 0; i < len(quoted); i++ {
		if quoted[i] == '\\' && i+1 < len(quoted) {
			i++
		}
		plain = append(plain, quoted[i])
	}
	return plain
}

// literalSize reads "{n}", "{n+}" or "~{n}" at the end of the line.
func (s *scanner) literalSize() (int64, error) {
	mark := bytes.TrimPrefix(s.line[s.pos:], []byte("~"))
	if len(mark) < 3 || mark[0] != '{' || mark[len(mark)-1] != '}' {
		return 0, s.syntax("literal expected")
	}
	n, ok := parseNumber(bytes.TrimSuffix(mark[1:len(mark)-1], []byte("+")))
	if !ok {
		return 0, s.syntax("literal with a size that is no number")
	}
	if n > maxLiteral {
		return 0, s.syntax("literal too large")
	}
	s.pos = len(s.line)
	return int64(n), nil
}

// literalNext reports whether a literal follows.
func (s *scanner) literalNext() bool {
	rest := s.line[s.pos:]
	return len(rest) > 0 && (rest[0] == '{' || len(rest) > 1 && rest[0] == '~' && rest[1] == '{')
}

// skipLiteral passes a literal; the line behind it is the one to scan then.
func (s *scanner) skipLiteral() error {
	n, err := s.literalSize()
	if err != nil {
		return err
	}
	s.lit = literal{r: s.in, left: n}
	if err := s.lit.finish(); err != nil {
		return err
	}
	return s.next()
}

// skipValue passes an atom, string, literal or parenthesised list, however
// deep.
func (s *scanner) skipValue() error {
	for depth := 0; ; {
		s.spaces()
		switch c := s.peek(); {
		case s.pos >= len(s.line):
			return s.syntax("value expected")
		case c == '(':
			depth++
			s.pos++
		case c == ')':
			depth--
			s.pos++
		case c == '"':
			if _, err := s.quoted(); err != nil {
				return err
			}
		case s.literalNext():
			if err := s.skipLiteral(); err != nil {
				return err
			}
		default:
			s.word()
		}
		if depth <= 0 {
			return nil
		}
	}
}

// skipRest passes the rest of a response with all its literals.
func (s *scanner) skipRest() error {
	for bytes.HasSuffix(s.line, []byte("}")) {
		i := bytes.LastIndexByte(s.line, '{')
		if i < 0 {
			return nil
		}
		if _, ok := parseNumber(bytes.TrimSuffix(s.line[i+1:len(s.line)-1], []byte("+"))); !ok {
			return nil
		}
		s.pos = i
		if err := s.skipLiteral(); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) syntax(problem string) error {
	return syntax(problem, s.line[min(s.pos, len(s.line)):])
}
