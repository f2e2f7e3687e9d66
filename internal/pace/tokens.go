package pace

import "context"

// Tokens limits how many sessions are open at once. Its methods may be called
// concurrently.
type Tokens struct{ free chan struct{} }

// NewTokens returns n tokens, at least one.
func NewTokens(n int) *Tokens {
	t := &Tokens{free: make(chan struct{}, max(n, 1))}
	for range cap(t.free) {
		t.free <- struct{}{}
	}
	return t
}

// Cap returns how many tokens there are.
func (t *Tokens) Cap() int { return cap(t.free) }

// Acquire takes a token, waiting for one, or returns the cause of ctx's end.
func (t *Tokens) Acquire(ctx context.Context) error {
	select {
	case <-t.free:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Release gives a token back.
func (t *Tokens) Release() { t.free <- struct{}{} }
