package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// checkMode is `mode 0600 FILE...`.
func checkMode(ts *testscript.TestScript, _ bool, args []string) {
	for _, file := range args[1:] {
		info, err := os.Stat(ts.MkAbs(file))
		ts.Check(err)
		if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
			ts.Fatalf("%s has mode %s, want %s", file, got, args[0])
		}
	}
}

// checkJSON is `json FILE [PATH=VALUE]...`: every line, or the whole, of FILE
// is JSON with a format_version, and holds these values in its first object.
// Numbers in a PATH are places in a list: steps.0.action=copy
func checkJSON(ts *testscript.TestScript, _ bool, args []string) {
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	var first any
	count := 0
	for decoder.More() {
		var value any
		ts.Check(decoder.Decode(&value))
		if count++; count == 1 {
			first = value
		}
	}
	if object, ok := first.(map[string]any); !ok || object["format_version"] == nil {
		ts.Fatalf("%s: no object with a format_version comes first", args[0])
	}
	for _, want := range args[1:] {
		path, value, _ := strings.Cut(want, "=")
		if got := fmt.Sprint(walk(first, path)); got != value {
			ts.Fatalf("%s: %s is %s, want %s", args[0], path, got, value)
		}
	}
}

func walk(value any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if name == "len" {
				return len(v)
			}
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// spoilMessage is `spoil FOLDER TEXT OTHER`: replaces TEXT by OTHER, of the
// same length, in the one file below FOLDER that holds it.
func spoilMessage(ts *testscript.TestScript, _ bool, args []string) {
	spoilt := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte(args[1])) {
			return err
		}
		spoilt++
		return os.WriteFile(path, bytes.ReplaceAll(text, []byte(args[1]), []byte(args[2])), 0o600)
	}))
	if spoilt != 1 {
		ts.Fatalf("%d files hold %q, want 1", spoilt, args[1])
	}
}

// makeMaildir is `maildir FOLDER COUNT`: a Maildir with that many messages
// more, as a mail server delivers them.
func makeMaildir(ts *testscript.TestScript, _ bool, args []string) {
	count, err := strconv.Atoi(args[1])
	ts.Check(err)
	for _, sub := range []string{"cur", "new", "tmp"} {
		ts.Check(os.MkdirAll(filepath.Join(ts.MkAbs(args[0]), sub), 0o700))
	}
	w := worldOf(ts)
	for range count {
		w.count++
		name := fmt.Sprintf("%d.M%dP1.mx:2,S", 1714550400+w.count, w.count)
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "cur", name), message(w.count, 0), 0o600))
	}
}

// editFile is `edit FILE TEXT OTHER`.
func editFile(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}
