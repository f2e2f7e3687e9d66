package archive_test

import (
	"encoding/json"
	"testing"

	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/archive"
	"github.com/cutover-mail/cutover/providers/providertest"
)

func options(t *testing.T, role providers.Role, settings map[string]any) providers.Options {
	t.Helper()
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	return providers.Options{Role: role, Name: "archive", Settings: text}
}

func TestConformance(t *testing.T) {
	dir := t.TempDir()
	wrong := func(name, text, path string) providertest.Wrong {
		return providertest.Wrong{Name: name, Role: providers.Source, Settings: providers.Settings(text), Path: []string{path}}
	}
	providertest.Run(t, providertest.Harness{
		Provider: archive.Provider{},
		Options: func(t *testing.T, role providers.Role) providers.Options {
			return options(t, role, map[string]any{"path": dir, "max_connections": 8})
		},
		Wrong: []providertest.Wrong{
			wrong("no path", `{}`, "path"),
			wrong("no such format", `{"path":"x","format":"pst"}`, "format"),
			wrong("no such line end", `{"path":"x","line_ends":"cr"}`, "line_ends"),
			wrong("no connection", `{"path":"x","max_connections":0}`, "max_connections"),
		},
		KeepsBareNewlines: true, KeepsNUL: true,
	})
}
