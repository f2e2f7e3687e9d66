package plugin

import (
	"bytes"
	"log/slog"
	"sync"
)

// lineLog logs what is written to it line by line, and knows the last line.
type lineLog struct {
	logger *slog.Logger

	mu     sync.Mutex
	rest   []byte
	latest string
}

// maxLogLine bounds what is kept of a line that does not end.
const maxLogLine = 64 << 10

func (l *lineLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found && len(line) < maxLogLine {
			return len(p), nil
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			l.latest = string(line)
			l.logger.Debug("the provider says", "line", l.latest)
		}
		l.rest = rest
	}
}

// last returns the last line that was not empty.
func (l *lineLog) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rest := bytes.TrimSpace(l.rest); len(rest) > 0 {
		return string(rest)
	}
	return l.latest
}
