package cli

import (
	"io"
	"strings"
	"sync/atomic"
)

// redactor takes secrets out of text. Its zero value knows none. It may be
// used concurrently.
type redactor struct {
	replacer atomic.Pointer[strings.Replacer]
}

// know sets the secrets, longest first.
func (r *redactor) know(secrets []string) {
	var pairs []string
	for _, secret := range secrets {
		pairs = append(pairs, secret, "(sensitive)")
	}
	r.replacer.Store(strings.NewReplacer(pairs...))
}

func (r *redactor) clean(text string) string {
	if replacer := r.replacer.Load(); replacer != nil {
		return replacer.Replace(text)
	}
	return text
}

// redacting is a writer of a log: each Write is one record.
type redacting struct {
	w       io.Writer
	secrets *redactor
}

// Write writes the record without its secrets.
func (w redacting) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.w, w.secrets.clean(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
