package survey

import "sync"

// progress hands reports on, one at a time.
type progress struct {
	mu     sync.Mutex
	report func(Progress)
	done   int64
}

func (p *progress) send(x Progress) {
	if p.report == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report(x)
}

// mailboxDone counts one more mailbox of total.
func (p *progress) mailboxDone(total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if p.report != nil {
		p.report(Progress{Stage: StageMailboxes, Done: p.done, Total: int64(total)})
	}
}
