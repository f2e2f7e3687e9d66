package sqlite

import (
	"context"
	"database/sql"

	"github.com/cutover-mail/cutover/state"
)

// BeginRun numbers and records a run.
func (s *Store) BeginRun(ctx context.Context, run state.Run) (state.Run, error) {
	run.RunResult = state.RunResult{}
	err := s.write(ctx, "begin a run", func(t *tx) error {
		if used, err := t.planUsed(run.PlanDigest); err != nil || used {
			return orUsed(err)
		}
		err := t.row(`UPDATE header SET serial = serial + 1 RETURNING serial`, nil, &run.Number)
		if err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO run (number, migration, batch, who, host, started, config_digest, plan_digest)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, run.Number, run.Migration, run.Batch, run.Who, run.Host,
			instantColumn(run.Started), run.ConfigDigest, run.PlanDigest)
		return err
	})
	if err != nil {
		return state.Run{}, err
	}
	return run, nil
}

func (t *tx) planUsed(digest string) (used bool, err error) {
	if digest == "" {
		return false, nil
	}
	err = t.row(`SELECT EXISTS (SELECT 1 FROM run WHERE plan_digest = ? AND plan_digest <> '')`, []any{digest}, &used)
	return used, err
}

func orUsed(err error) error {
	if err == nil {
		err = state.ErrPlanUsed
	}
	return err
}

// EndRun records how the run ended.
func (s *Store) EndRun(ctx context.Context, number int64, r state.RunResult) error {
	return s.write(ctx, "end the run", func(t *tx) error {
		n, err := t.exec(`UPDATE run SET ended = ?, outcome = ?, steps = ?, failed = ?, items = ?, bytes = ? WHERE number = ?`,
			instantColumn(r.Ended), r.Outcome, r.Steps, r.Failed, r.Items, r.Bytes, number)
		if err == nil && n == 0 {
			err = state.ErrNotFound
		}
		return err
	})
}

// ListRuns returns the runs, newest first.
func (s *Store) ListRuns(ctx context.Context, limit int) ([]state.Run, error) {
	if limit <= 0 {
		limit = -1 // SQLite: no limit
	}
	var runs []state.Run
	err := s.query(ctx, `SELECT number, migration, batch, who, host, started, config_digest, plan_digest,
		ended, outcome, steps, failed, items, bytes FROM run ORDER BY number DESC LIMIT ?`, []any{limit},
		func(rows *sql.Rows) error {
			var r state.Run
			var started, ended *int64
			err := rows.Scan(&r.Number, &r.Migration, &r.Batch, &r.Who, &r.Host, &started, &r.ConfigDigest, &r.PlanDigest,
				&ended, &r.Outcome, &r.Steps, &r.RunResult.Failed, &r.Items, &r.Bytes)
			r.Started, r.Ended = columnInstant(started), columnInstant(ended)
			runs = append(runs, r)
			return err
		})
	return runs, failed("list the runs", err)
}
