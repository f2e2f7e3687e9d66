package plugin

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers/mem"
)

const anna = inventory.Address("anna@contoso.test")

// crowdSize is how many messages Anna has.
const crowdSize = 300

// crowd is an organisation that is the same in every process: Anna's messages
// begin small; the last is large.
func crowd() *mem.Organisation {
	org := mem.New()
	box := org.AddMailbox(anna)
	for i := range crowdSize {
		box.Deliver("INBOX", mem.Item{Content: message(i)})
	}
	return org
}

func message(i int) []byte {
	size := 2_000
	if i == crowdSize-1 {
		size = 8 << 20
	}
	return append(fmt.Appendf(nil, "Subject: %d\r\n\r\n", i), bytes.Repeat([]byte("x"), size)...)
}

func reader(content []byte) io.Reader { return bytes.NewReader(content) }

// playFault is a command that is no provider, in one of several ways.
func playFault(part string) {
	switch part {
	case "garbage":
		fmt.Println("Welcome to the accounting system")
		fmt.Fprintln(os.Stderr, "no tape in drive 0")
		io.Copy(io.Discard, os.Stdin)
	case "silent":
		fmt.Fprintln(os.Stderr, "out of paper")
		os.Exit(3)
	case "version":
		fmt.Println("1|2|unix|/nowhere|grpc|")
		io.Copy(io.Discard, os.Stdin)
	}
}
