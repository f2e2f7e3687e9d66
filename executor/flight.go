package executor

// take reserves a slot for an item: from now on it counts as under way.
func (l *lane) take(c *chunk, w work) *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	var s *slot
	if n := len(l.spare); n > 0 {
		s, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		s = newSlot()
	}
	s.chunk, s.work = c, w
	l.key++
	s.key = l.key
	l.flight[s.key] = s
	l.bytes += w.Size
	return s
}

// drop gives back an item that was not handed to the writer.
func (l *lane) drop(s *slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.giveBack(s.key, s)
}

// giveBack returns an item's room. The caller holds the lock.
func (l *lane) giveBack(key uint64, s *slot) {
	delete(l.flight, key)
	l.bytes -= s.work.Size
	if s.memory != nil {
		l.pass.memory.put(s.memory)
	}
	if s.file != nil {
		l.spills.give(s.file)
	}
	s.chunk, s.work, s.memory, s.file = nil, work{}, nil, nil
	l.spare = append(l.spare, s)
}
