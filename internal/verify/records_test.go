package verify

import (
	"strconv"
	"testing"
	"unsafe"

	"github.com/cutover-mail/cutover/inventory"
)

func TestRecordHoldsNoMoreThanItSays(t *testing.T) {
	if n := unsafe.Sizeof(record{}); n != 56 {
		t.Errorf("a record takes %d bytes", n)
	}
}

func TestRecordsKeepTheIDsOfTheirItems(t *testing.T) {
	r := &records{flags: newFlagTable()}
	for i := range 1000 {
		if err := r.add(inventory.Item{ID: inventory.ItemID(strconv.Itoa(i))}, key{}, key{}, 0); err != nil {
			t.Fatal(err)
		}
	}
	for i, x := range r.list {
		if id := r.id(x); string(id) != strconv.Itoa(i) {
			t.Fatalf("record %d has ID %s", i, id)
		}
	}
}

func TestItemsListedAgainAndItemsGoneSettle(t *testing.T) {
	r := &records{flags: newFlagTable()}
	for i, id := range []inventory.ItemID{"1", "2", "3", "1", "4"} {
		if err := r.add(inventory.Item{ID: id}, key{byte(i)}, key{}, 0); err != nil {
			t.Fatal(err)
		}
	}
	r.settle(map[inventory.ItemID]bool{"3": true})
	var got []string
	for _, x := range r.list {
		got = append(got, string(r.id(x))+"@"+strconv.Itoa(int(x.strict[0])))
	}
	if len(got) != 3 || got[0] != "2@1" || got[1] != "1@3" || got[2] != "4@4" {
		t.Errorf("settled to %q", got)
	}
}
