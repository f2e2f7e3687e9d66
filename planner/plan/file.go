package plan

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// FileError says why a file is not a plan that can be used.
type FileError struct {
	Code string // "plan-format" or "plan-damaged"
	Err  error
}

// Error says what is wrong with the file and what to do.
func (e *FileError) Error() string {
	return fmt.Sprintf("read plan: %v; make a new plan: cutover plan -out FILE", e.Err)
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// The file is one line of JSON, the plan between its version and its digest:
//
//	{"format_version":"1.0","plan":{...},"sha256":"..."}
//
// The digest is that of the bytes of the plan as they stand in the file.

// Write writes the saved form of a plan. Equal plans are equal bytes.
func Write(w io.Writer, p *Plan) error {
	out := bufio.NewWriterSize(w, 1<<20)
	fmt.Fprintf(out, `{"format_version":%q,"plan":`, FormatVersion)
	sum := sha256.New()
	if err := WriteJSON(io.MultiWriter(out, sum), p); err != nil {
		return err
	}
	fmt.Fprintf(out, `,"sha256":%q}`+"\n", hex.EncodeToString(sum.Sum(nil)))
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// WriteJSON writes the plan as JSON without an envelope, one step at a time:
// a plan of a large organisation is not held in memory a second time. The
// bytes are those of json.Marshal.
func WriteJSON(w io.Writer, p *Plan) error {
	frame := *p
	frame.Steps = nil
	rest, err := json.Marshal(&frame)
	if err != nil {
		return fmt.Errorf("encode plan: %w", err)
	}
	// A quote inside a string is escaped, so this is the field and no text.
	head, tail, ok := bytes.Cut(rest, []byte(`"steps":null`))
	if !ok {
		return errors.New("encode plan: it has no steps")
	}
	if p.Steps == nil {
		_, err = w.Write(rest)
		return writeError(err)
	}
	if _, err = w.Write(append(head, `"steps":[`...)); err != nil {
		return writeError(err)
	}
	if err = writeSteps(w, p.Steps); err != nil {
		return err
	}
	_, err = w.Write(append([]byte{']'}, tail...))
	return writeError(err)
}

func writeSteps(w io.Writer, steps []Step) error {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	for i := range steps {
		if i > 0 {
			buf.WriteByte(',')
		}
		if err := encoder.Encode(&steps[i]); err != nil {
			return fmt.Errorf("encode step %s: %w", steps[i].ID, err)
		}
		buf.Truncate(buf.Len() - 1) // the encoder's line end
		if buf.Len() > 1<<16 || i == len(steps)-1 {
			if _, err := w.Write(buf.Bytes()); err != nil {
				return writeError(err)
			}
			buf.Reset()
		}
	}
	return nil
}

func writeError(err error) error {
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// Digest is the SHA-256 of the plan in hexadecimal: that of its saved form,
// and so the name under which a state remembers that it was applied.
func (p *Plan) Digest() string {
	sum := sha256.New()
	if err := WriteJSON(sum, p); err != nil {
		return "" // a plan is data that always has a JSON form
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Read reads a saved plan. It returns a *FileError when the file is not a
// plan, is of another major version of the format, was cut, or is not byte for
// byte what Write made. Fields that a later minor version added are ignored.
func Read(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	var file struct {
		FormatVersion string          `json:"format_version"`
		Plan          json.RawMessage `json:"plan"`
		SHA256        string          `json:"sha256"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, refuse(data, err)
	}
	if err := checkVersion(file.FormatVersion); err != nil {
		return nil, &FileError{"plan-format", err}
	}
	sum := sha256.Sum256(file.Plan)
	if file.SHA256 != hex.EncodeToString(sum[:]) {
		return nil, &FileError{"plan-damaged", errors.New("the file has been changed since it was saved: its digest does not agree")}
	}
	return decode(file.Plan)
}

// refuse tells a plan that was cut from a file that never was one.
func refuse(data []byte, err error) error {
	if bytes.HasPrefix(data, []byte(`{"format_version":"`)) {
		return &FileError{"plan-damaged", fmt.Errorf("the file is not complete: %w", err)}
	}
	return &FileError{"plan-format", errors.New("the file is not a saved plan")}
}

func checkVersion(version string) error {
	if version == "" {
		return errors.New("the file is not a saved plan: it has no format_version")
	}
	major, _, _ := strings.Cut(version, ".")
	ours, _, _ := strings.Cut(FormatVersion, ".")
	if major != ours {
		return fmt.Errorf("the plan has format %s, and this program reads %s.x", version, ours)
	}
	return nil
}

func decode(data []byte) (*Plan, error) {
	var p Plan
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, &FileError{"plan-damaged", fmt.Errorf("decode plan: %w", err)}
	}
	if err := checkVersion(p.FormatVersion); err != nil {
		return nil, &FileError{"plan-format", err}
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return &p, nil
}

// check refuses plans that no planner makes.
func (p *Plan) check() error {
	seen := make(map[StepID]bool, len(p.Steps))
	for _, s := range p.Steps {
		if s.ID == "" || seen[s.ID] {
			return &FileError{"plan-damaged", fmt.Errorf("step %q is there twice or has no ID", s.ID)}
		}
		seen[s.ID] = true
	}
	for _, s := range p.Steps {
		for _, need := range s.Needs {
			if !seen[need] {
				return &FileError{"plan-damaged", fmt.Errorf("step %s waits for %s, which is not in the plan", s.ID, need)}
			}
		}
	}
	return nil
}
