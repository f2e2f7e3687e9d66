package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// maxFaults bounds what Check returns of one kind.
const maxFaults = 100

// Check verifies the file and what it holds. It reads everything, and for a
// consistent answer nothing should be writing.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	faults, err := pragmaFaults(ctx, s.reads, fmt.Sprintf(`PRAGMA integrity_check(%d)`, maxFaults))
	if err != nil || len(faults) > 0 {
		return faults, failed("check the state", err)
	}
	for _, c := range referenceChecks {
		found, err := s.faults(ctx, c.text, c.say)
		if err != nil {
			return nil, failed("check the state", err)
		}
		faults = append(faults, found...)
	}
	for _, check := range [...]func(context.Context) ([]string, error){s.checkIntents, s.checkClaims} {
		found, err := check(ctx)
		if err != nil {
			return nil, failed("check the state", err)
		}
		faults = append(faults, found...)
	}
	return faults, nil
}

// referenceChecks select what refers to nothing; %[n]v in the sentence is
// column n of a row.
var referenceChecks = [...]struct{ text, say string }{
	{`SELECT 'missing' WHERE (SELECT count(*) FROM header) <> 1`,
		"the header of the state is %[1]v"},
	{`SELECT id, recipient FROM folder WHERE recipient NOT IN (SELECT id FROM recipient)`,
		"folder %[1]v belongs to recipient %[2]v, which is not in the state"},
	{`SELECT folder, count(*) FROM item WHERE folder NOT IN (SELECT id FROM folder) GROUP BY folder`,
		"%[2]v items belong to folder %[1]v, which is not in the state"},
	{`SELECT folder, source FROM item WHERE flags <> 0 AND flags NOT IN (SELECT id FROM flagset)`,
		"the flags of item %[2]v in folder %[1]v are not in the state"},
	{`SELECT folder, source, status FROM item WHERE status NOT IN (1, 2, 3)`,
		"item %[2]v in folder %[1]v has the status %[3]v, which means nothing"},
	{`SELECT folder, source FROM item WHERE length(digest) <> 32`,
		"the digest of item %[2]v in folder %[1]v has a wrong length"},
	{`SELECT i.id, i.folder FROM intent i LEFT JOIN folder f ON f.id = i.folder AND f.recipient = i.recipient WHERE f.id IS NULL`,
		"intent %[1]v is for folder %[2]v, which is not in the state"},
	{`SELECT p.source, p.folder FROM (SELECT * FROM failure UNION ALL SELECT * FROM loss) p
		LEFT JOIN folder f ON f.id = p.folder AND f.recipient = p.recipient WHERE p.folder <> 0 AND f.id IS NULL`,
		"a problem of item %[1]v is in folder %[2]v, which is not in the state"},
	{`SELECT source, recipient FROM (SELECT * FROM failure UNION ALL SELECT * FROM loss)
		WHERE recipient NOT IN (SELECT id FROM recipient)`,
		"a problem of item %[1]v belongs to recipient %[2]v, which is not in the state"},
	{`SELECT f.id, f.items, f.bytes, coalesce(i.n, 0), coalesce(i.size, 0) FROM folder f LEFT JOIN
		(SELECT folder, count(*) AS n, sum(max(size, 0)) AS size FROM item GROUP BY folder) i ON i.folder = f.id
		WHERE f.items <> coalesce(i.n, 0) OR f.bytes <> coalesce(i.size, 0)`,
		"folder %[1]v is counted as %[2]v items of %[3]v bytes, but the ledger has %[4]v of %[5]v"},
	{`SELECT f.id, f.failed, coalesce(p.n, 0) FROM folder f LEFT JOIN
		(SELECT folder, count(*) AS n FROM failure GROUP BY folder) p ON p.folder = f.id
		WHERE f.failed <> coalesce(p.n, 0)`,
		"folder %[1]v is counted as having %[2]v failed items, but there are %[3]v"},
	{`SELECT min(id), count(*), source, recipient FROM folder GROUP BY recipient, ability, source HAVING count(*) > 1`,
		"%[2]v folders of recipient %[4]v, of which %[1]v is one, are for the source folder %[3]v"},
}

// faults runs a query whose rows are faults, and says each.
func (s *Store) faults(ctx context.Context, text, say string, args ...any) ([]string, error) {
	rows, err := s.reads.QueryContext(ctx, text+fmt.Sprintf(` LIMIT %d`, maxFaults), args...)
	if err != nil {
		return nil, err
	}
	columns, err := rows.Columns()
	if err != nil {
		rows.Close()
		return nil, err
	}
	var faults []string
	err = each(rows, func(rows *sql.Rows) error {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		err := rows.Scan(into...)
		faults = append(faults, fmt.Sprintf(say, values...))
		return err
	})
	return faults, err
}

func (s *Store) checkIntents(ctx context.Context) ([]string, error) {
	var faults []string
	err := s.query(ctx, `SELECT id, items FROM intent`, nil, func(rows *sql.Rows) error {
		var id int64
		var packed []byte
		if err := rows.Scan(&id, &packed); err != nil {
			return err
		}
		if items, err := unpackItems(packed); err != nil || len(items) == 0 {
			faults = append(faults, fmt.Sprintf("the items of intent %d cannot be read", id))
		}
		return nil
	})
	return faults, err
}

// checkClaims looks for target items that two entries claim, one target
// folder at a time. Released items are nobody's.
func (s *Store) checkClaims(ctx context.Context) ([]string, error) {
	var groups []string
	err := s.query(ctx, `SELECT group_concat(id) FROM folder WHERE items > 0
		GROUP BY recipient, target_endpoint, CASE target WHEN '' THEN id ELSE target END`, nil, func(rows *sql.Rows) error {
		var ids string
		err := rows.Scan(&ids)
		groups = append(groups, ids)
		return err
	})
	if err != nil {
		return nil, err
	}
	var faults []string
	for _, ids := range groups {
		var args []any
		for id := range strings.SplitSeq(ids, ",") {
			n, err := strconv.ParseInt(id, 10, 64)
			if err != nil {
				return nil, err
			}
			args = append(args, n)
		}
		found, err := s.faults(ctx, `SELECT target, count(*), min(folder) FROM item
			WHERE folder IN `+placeholders(len(args))+` AND target IS NOT NULL AND status <> 3
			GROUP BY target HAVING count(*) > 1`,
			"target item %[1]v of folder %[3]v is claimed by %[2]v items", args...)
		if err != nil {
			return nil, err
		}
		faults = append(faults, found...)
	}
	return faults, nil
}
