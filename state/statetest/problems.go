package statetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

func (x exercise) intents(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "A")[0]
	other := mailbox(t, s, "b@contoso.test", "A")[0]
	long := state.Intent{ID: 1<<62 + 12345, Recipient: f.Recipient, Folder: f.ID, After: "9:100"}
	for i := range 500 {
		long.Items = append(long.Items, inventory.ItemID(fmt.Sprint(7000+i*3)))
	}
	odd := state.Intent{ID: 7, Recipient: f.Recipient, Folder: f.ID, Items: awkwardIDs}
	write(t, s, state.Record{Intend: []state.Intent{long, odd, {ID: 8, Recipient: other.Recipient, Folder: other.ID, Items: []inventory.ItemID{"1"}}, {ID: 9, Recipient: f.Recipient, Folder: f.ID}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = x.again(t, s)
	same(t, "intents", need(s.Intents(t.Context(), f.Recipient))(t), []state.Intent{odd, long})
	write(t, s, state.Record{Resolve: []state.Resolution{{Intent: long.ID, Items: long.Items[100:200]}, {Intent: long.ID, Items: []inventory.ItemID{"absent"}}, {Intent: 7}, {Intent: 4444}}})
	long.Items = slices.Concat(long.Items[:100], long.Items[200:])
	same(t, "intents", need(s.Intents(t.Context(), f.Recipient))(t), []state.Intent{long})
	write(t, s, state.Record{Resolve: []state.Resolution{{Intent: long.ID, Items: []inventory.ItemID{}}}})
	same(t, "intents after resolving nothing", need(s.Intents(t.Context(), f.Recipient))(t), []state.Intent{long})
	write(t, s, state.Record{Resolve: []state.Resolution{{Intent: long.ID, Items: long.Items}}})
	if left := need(s.Intents(t.Context(), f.Recipient))(t); len(left) != 0 {
		t.Errorf("an intent without items is left: %v", left)
	}
	if err := s.Record(t.Context(), state.Record{Intend: []state.Intent{{ID: 20, Recipient: other.Recipient, Folder: f.ID, Items: []inventory.ItemID{"1"}}}}); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("an intent in the folder of another mailbox: %v", err)
	}
}

func (x exercise) failures(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "A")[0]
	p := state.Problem{Recipient: f.Recipient, Folder: f.ID, Source: "5", Code: "too-large", Detail: "NO [LIMIT]", Subject: "Holiday", Size: 77, Run: 1}
	write(t, s, state.Record{Fail: []state.Problem{p, {Recipient: f.Recipient, Code: "whole"}, {Recipient: f.Recipient, Folder: f.ID, Source: "6", Code: "x"}}})
	p.Code, p.Run = "over-quota", 2
	write(t, s, state.Record{Fail: []state.Problem{p}})
	wantCounts(t, s, f, 0, 0, 2) // those of the mailbox as a whole are in no folder
	p.Attempts = 2
	all := collect(t, s.Problems(t.Context(), migration))
	if len(all) != 3 {
		t.Fatalf("there are %d problems, want 3: %v", len(all), all)
	}
	same(t, "the second failure of an item", all[1], p)
	write(t, s, state.Record{Put: []state.Entry{copied(f.ID, "5", "1", 77)}})
	wantCounts(t, s, f, 1, 77, 1)
	write(t, s, state.Record{Drop: []state.Key{{Folder: f.ID, Source: "6"}}})
	wantCounts(t, s, f, 1, 77, 0)
	if all := collect(t, s.Problems(t.Context(), migration)); len(all) != 1 || all[0].Code != "whole" {
		t.Errorf("the problems left are %v", all)
	}
	p.Attempts = 0
	write(t, s, state.Record{Fail: []state.Problem{p}})
	if all := collect(t, s.Problems(t.Context(), migration)); len(all) != 2 || all[1].Attempts != 1 {
		t.Errorf("attempts are counted from before the item was copied: %v", all)
	}
	sound(t, s)
}

func (x exercise) losses(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "A")[0]
	p := state.Problem{Recipient: f.Recipient, Folder: f.ID, Source: "5", Code: "keyword", Detail: "$Junk"}
	q := p
	q.Detail = "$Label"
	write(t, s, state.Record{Lose: []state.Problem{p, q, p}})
	write(t, s, state.Record{Lose: []state.Problem{q}, Put: []state.Entry{copied(f.ID, "5", "1", 1)}})
	p.Loss, q.Loss, p.Attempts, q.Attempts = true, true, 1, 1
	same(t, "losses", collect(t, s.Problems(t.Context(), migration)), []state.Problem{p, q})
	wantCounts(t, s, f, 1, 1, 0)
}

func (x exercise) problems(t *testing.T) {
	s := x.open(t)
	a := mailbox(t, s, "b@contoso.test", "A", "B")
	b := mailbox(t, s, "a@contoso.test", "A")
	var want []state.Problem
	for _, f := range append(a, b...) {
		for i := range 900 {
			id := inventory.ItemID(fmt.Sprint(i + 5))
			want = append(want,
				state.Problem{Recipient: f.Recipient, Folder: f.ID, Source: id, Code: "f", Attempts: 1},
				state.Problem{Recipient: f.Recipient, Folder: f.ID, Source: id, Code: "l", Loss: true, Attempts: 1},
				state.Problem{Recipient: f.Recipient, Folder: f.ID, Source: id, Code: "m", Loss: true, Attempts: 1})
		}
	}
	var r state.Record
	for _, p := range slices.Backward(want) {
		if p.Loss {
			r.Lose = append(r.Lose, p)
		} else {
			r.Fail = append(r.Fail, p)
		}
	}
	write(t, s, r)
	same(t, "problems", collect(t, s.Problems(t.Context(), migration)), want)
	if n := len(collect(t, s.Problems(t.Context(), "other"))); n != 0 {
		t.Errorf("another migration has %d problems", n)
	}
}
