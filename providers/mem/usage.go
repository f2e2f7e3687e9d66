package mem

import "sync"

// usage counts calls and sessions.
type usage struct {
	mu         sync.Mutex
	calls      map[string]int
	open, most int
}

func (u *usage) call(method string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.calls == nil {
		u.calls = map[string]int{}
	}
	u.calls[method]++
}

func (u *usage) count(method string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.calls[method]
}

func (u *usage) enter() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open++
	u.most = max(u.most, u.open)
}

func (u *usage) leave() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open--
}

func (u *usage) sessions() (open, most int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.open, u.most
}
