package imapstream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
)

func TestListingAllocatesNothingPerMessage(t *testing.T) {
	const messages = 20_000
	var reply bytes.Buffer
	for i := 1; i <= messages; i++ {
		fmt.Fprintf(&reply, "* %d FETCH (UID %d FLAGS (\\Seen $Label%d) INTERNALDATE \"04-Mar-2021 05:06:07 +0200\" RFC822.SIZE 12345 MODSEQ (77))\r\n", i, i, i%5)
	}
	reply.WriteString("S1 OK done\r\n")
	allocs := testing.AllocsPerRun(1, func() {
		n := 0
		for f, err := range replaying(reply.Bytes()).List(context.Background(), ListRequest{Set: "1:*"}) {
			if err != nil || f.Size != 12345 {
				t.Fatal(f, err)
			}
			n++
		}
		if n != messages {
			t.Fatalf("%d facts", n)
		}
	})
	if allocs > messages/20 {
		t.Errorf("%.0f allocations for %d messages", allocs, messages)
	}
}

func TestFetchingAllocatesOnlyItsReader(t *testing.T) {
	const messages = 2_000
	var reply bytes.Buffer
	uids := []uint32{}
	body := bytes.Repeat([]byte("y"), 10_000)
	for i := 1; i <= messages; i++ {
		fmt.Fprintf(&reply, "* %d FETCH (UID %d FLAGS () INTERNALDATE \"04-Mar-2021 05:06:07 +0200\" BODY[] {10000}\r\n%s)\r\n", i, i, body)
		uids = append(uids, uint32(i))
	}
	reply.WriteString("S1 OK done\r\n")
	allocs := testing.AllocsPerRun(1, func() {
		n := int64(0)
		for m, err := range replaying(reply.Bytes()).Fetch(context.Background(), uids) {
			if err != nil {
				t.Fatal(err)
			}
			m, _ := io.Copy(io.Discard, m.Body)
			n += m
		}
		if n != messages*10_000 {
			t.Fatalf("%d bytes", n)
		}
	})
	if allocs > messages*5/2 {
		t.Errorf("%.0f allocations for %d messages", allocs, messages)
	}
}
