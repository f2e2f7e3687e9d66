package statetest

import (
	"errors"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/state"
)

func (x exercise) header(t *testing.T) {
	s := x.open(t)
	first := need(s.Header(t.Context()))(t)
	if first.Lineage == "" || first.Serial != 0 || first.Version == 0 {
		t.Errorf("a new state has the header %+v", first)
	}
	need(s.BeginRun(t.Context(), state.Run{Migration: migration}))(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	second := need(x.again(t, s).Header(t.Context()))(t)
	same(t, "headers", second, state.Header{Lineage: first.Lineage, Serial: 1, Version: first.Version})
	if other := need(x.open(t).Header(t.Context()))(t); other.Lineage == first.Lineage {
		t.Error("two states have one lineage")
	}
}

func (x exercise) runs(t *testing.T) {
	s := x.open(t)
	started := at.Add(123 * time.Nanosecond)
	one := need(s.BeginRun(t.Context(), state.Run{Migration: migration, Batch: "pilot", Who: "a@b", Host: "b", Started: started, ConfigDigest: "c"}))(t)
	two := need(s.BeginRun(t.Context(), state.Run{Migration: migration, RunResult: state.RunResult{Outcome: "done"}}))(t)
	if one.Number != 1 || two.Number != 2 || two.Outcome != "" {
		t.Errorf("runs are numbered %d and %d, the new one has the outcome %q", one.Number, two.Number, two.Outcome)
	}
	one.RunResult = state.RunResult{Ended: at.Add(time.Hour), Outcome: "failed", Steps: 3, Failed: 1, Items: 20, Bytes: 4000}
	if err := s.EndRun(t.Context(), 1, one.RunResult); err != nil {
		t.Fatal(err)
	}
	same(t, "runs", need(s.ListRuns(t.Context(), 0))(t), []state.Run{two, one})
	same(t, "newest runs", need(s.ListRuns(t.Context(), 1))(t), []state.Run{two})
	if err := s.EndRun(t.Context(), 77, state.RunResult{}); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("ending a run that never was: %v", err)
	}
}

func (x exercise) planOnce(t *testing.T) {
	s := x.open(t)
	need(s.BeginRun(t.Context(), state.Run{PlanDigest: "p"}))(t)
	if _, err := s.BeginRun(t.Context(), state.Run{PlanDigest: "p"}); !errors.Is(err, state.ErrPlanUsed) {
		t.Errorf("a plan applied twice: %v", err)
	}
	need(s.BeginRun(t.Context(), state.Run{PlanDigest: "q"}))(t)
	need(s.BeginRun(t.Context(), state.Run{}))(t)
	need(s.BeginRun(t.Context(), state.Run{}))(t) // runs without a saved plan are never "used"
	if h := need(s.Header(t.Context()))(t); h.Serial != 4 {
		t.Errorf("four runs raised the serial to %d", h.Serial)
	}
}
