package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// seeds are the configurations of testdata.
func seeds(f *testing.F) {
	for _, pattern := range []string{"testdata/full/*.hcl", "testdata/invalid/*.hcl", "testdata/invalid/*/*.hcl"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
}

// Whatever stands in a file, Load answers with a configuration or with errors
// that people can act on.
func FuzzLoad(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "file") {
			t.Skip("does not read the files of this machine")
		}
		c, findings := Load(folder(t, map[string]string{"main.hcl": text}), options())
		if (c == nil) != findings.HasErrors() {
			t.Errorf("configuration %v with %s", c, show(findings))
		}
		for _, found := range findings {
			if found.Code == "" || found.Summary == "" || found.Fix == "" {
				t.Errorf("incomplete: %+v", found)
			}
		}
	})
}

// What parses still parses when it is formatted; what does not is left alone.
func FuzzFormat(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		once, findings := Format([]byte(text), "main.hcl")
		if findings.HasErrors() {
			if string(once) != text {
				t.Error("a text that does not parse was changed")
			}
			return
		}
		if _, findings := Format(once, "main.hcl"); findings.HasErrors() {
			t.Errorf("does not parse any more: %s\n%q", show(findings), once)
		}
	})
}
