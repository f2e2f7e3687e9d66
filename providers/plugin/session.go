package plugin

import (
	"context"
	"errors"
	"time"

	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

// session is a mailbox on the side that has it. The caller on the other side
// thinks of a call as ended when it abandons it, while the provider may still
// be at work on it: so calls take turns here, and a session is closed when
// none is under way any more. What a closed session was told to write is
// written or will never be.
type session struct {
	providers.Mailbox
	endpoint uint64
	turn     chan struct{} // holds one token while no call runs
	life     context.Context
	end      context.CancelFunc
}

func newSession(m providers.Mailbox, endpoint uint64) *session {
	s := &session{Mailbox: m, endpoint: endpoint, turn: make(chan struct{}, 1)}
	s.life, s.end = context.WithCancel(context.Background())
	s.turn <- struct{}{}
	return s
}

// begin waits for the turn of a call. Its context ends with the session too;
// done gives the turn back.
func (s *session) begin(ctx context.Context) (work context.Context, done func(), err error) {
	select {
	case <-s.turn:
	case <-s.life.Done():
		return nil, nil, errHandle()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	work, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.life, cancel)
	return work, func() {
		stop()
		cancel()
		s.turn <- struct{}{}
	}, nil
}

// callPatience is how long a call that was cancelled may take to end before
// the session is closed under it.
const callPatience = 3 * time.Second

// close ends the session when its last call has ended. One that does not heed
// its context loses its connection. It returns without the end of that call
// only when ctx is over.
func (s *session) close(ctx context.Context) error {
	s.end()
	patience := time.NewTimer(callPatience)
	defer patience.Stop()
	select {
	case <-s.turn:
		return s.Close()
	case <-patience.C:
	case <-ctx.Done():
	}
	err := s.Close()
	select {
	case <-s.turn:
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

// mailbox returns a session and the context of a call on it.
func (s *server) mailbox(ctx context.Context, id uint64) (*session, context.Context, func(), error) {
	s.mu.Lock()
	m, ok := s.mailboxes[id]
	s.mu.Unlock()
	if !ok {
		return nil, nil, nil, errHandle()
	}
	work, done, err := m.begin(ctx)
	return m, work, done, err
}

func (s *server) CloseMailbox(ctx context.Context, h *pb.Handle) (*pb.Empty, error) {
	if m, ok := take(s, s.mailboxes, h.Id); ok {
		return &pb.Empty{}, asStatus(m.close(ctx))
	}
	return &pb.Empty{}, nil
}

func (s *server) CloseEndpoint(ctx context.Context, h *pb.Handle) (*pb.Empty, error) {
	if e, ok := take(s, s.endpoints, h.Id); ok {
		s.closeSessions(ctx, h.Id)
		return &pb.Empty{}, asStatus(e.Close())
	}
	return &pb.Empty{}, nil
}

// closeSessions closes the sessions of one endpoint.
func (s *server) closeSessions(ctx context.Context, endpoint uint64) {
	var open []*session
	s.mu.Lock()
	for id, m := range s.mailboxes {
		if m.endpoint == endpoint {
			open = append(open, m)
			delete(s.mailboxes, id)
		}
	}
	s.mu.Unlock()
	for _, m := range open {
		m.end()
	}
	for _, m := range open {
		_ = m.close(ctx) // it does not fail because a server has gone
	}
}

// close closes every endpoint.
func (s *server) close(ctx context.Context) {
	s.mu.Lock()
	var open []uint64
	for id := range s.endpoints {
		open = append(open, id)
	}
	s.mu.Unlock()
	for _, id := range open {
		_, _ = s.CloseEndpoint(ctx, &pb.Handle{Id: id})
	}
}
