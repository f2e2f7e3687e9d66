package wire

import "strings"

// Kind is what form a value had on the wire.
type Kind uint8

// The forms of values.
const (
	Atom   Kind = iota + 1 // also numbers and flags
	String                 // quoted or literal
	List
	Nil
)

// Value is one item of a response.
type Value struct {
	Kind Kind
	Text string // of an Atom or a String, the bytes as they came
	List []Value
}

// Is reports whether the value is the atom name, without regard to case.
func (v Value) Is(name string) bool {
	return v.Kind == Atom && strings.EqualFold(v.Text, name)
}

// Texts returns the texts of a list's items, leaving out lists and NIL.
func (v Value) Texts() []string {
	var texts []string
	for _, item := range v.List {
		if item.Kind == Atom || item.Kind == String {
			texts = append(texts, item.Text)
		}
	}
	return texts
}

// Pairs calls each for every name and value of a list (name value name value
// ...), names in upper case. A name without a value is left out.
func (v Value) Pairs(each func(name string, value Value)) {
	for i := 0; i+1 < len(v.List); i += 2 {
		each(strings.ToUpper(v.List[i].Text), v.List[i+1])
	}
}

// Response is one response of the server: a status (OK, NO, BAD, BYE,
// PREAUTH), untagged data, or a continuation request.
type Response struct {
	Tag  string // "*" untagged, "+" continuation
	Name string // in upper case: "OK", "LIST", "EXISTS"
	// Number stands before the name: "* 23 EXISTS".
	Number uint32
	// Code and CodeArg are the response code of a status: "[UIDNEXT 5]" has
	// the code UIDNEXT, in upper case, and the argument "5".
	Code, CodeArg string
	// Text is the human-readable text of a status, the rest of a continuation.
	Text string
	// Values are the fields after the name of untagged data.
	Values []Value
}

// Status reports whether the response is a condition, not data.
func (r Response) Status() bool { return isStatus(r.Name) }

func isStatus(name string) bool {
	switch name {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		return true
	}
	return false
}

// Value returns field i, the zero Value when there is none.
func (r Response) Value(i int) Value {
	if i < len(r.Values) {
		return r.Values[i]
	}
	return Value{}
}
