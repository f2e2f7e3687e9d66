package imapstream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	. "github.com/cutover-mail/cutover/providers/imap/imapstream"
)

// What the server says of its own accord around a takeover reaches go-imap,
// also when the stream has read it.
func TestUnaskedNewsReachGoIMAPAfterTheRelease(t *testing.T) {
	conn, server := net.Pipe()
	defer server.Close()
	go func() {
		in := bufio.NewReader(server)
		io.WriteString(server, "* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n")
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			tag, _, _ := strings.Cut(line, " ")
			fmt.Fprintf(server, "%s OK [READ-WRITE] done\r\n* %d EXISTS\r\n", tag, len(tag)*100)
		}
	}()
	news := make(chan uint32, 10)
	tap := NewTap(conn, TapOptions{})
	client := imapclient.New(tap, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) { news <- *data.NumMessages },
	}})
	defer client.Close()
	if _, err := client.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	if n := <-news; n != 200 {
		t.Errorf("news of %d messages", n)
	}
	for range 20 {
		stream, err := tap.Take()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fetched(stream, 1); err != nil {
			t.Fatal(err)
		}
		stream.Release()
		if n := <-news; n < 200 {
			t.Errorf("news of %d messages", n)
		}
		if err := client.Noop().Wait(); err != nil {
			t.Fatal(err)
		}
		<-news
	}
}

func TestOneStreamAtATime(t *testing.T) {
	conn, server := net.Pipe()
	defer server.Close()
	tap := NewTap(conn, TapOptions{Buffered: []byte("* OK\r\n")})
	go io.Copy(io.Discard, tap)
	stream, err := tap.Take()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tap.Take(); !errors.Is(err, ErrTaken) {
		t.Errorf("second stream: %v", err)
	}
	written := make(chan bool)
	go func() { io.WriteString(tap, "T9 NOOP\r\n"); close(written) }()
	stream.Release()
	stream.Release()
	if line, _ := bufio.NewReader(server).ReadString('\n'); line != "T9 NOOP\r\n" {
		t.Errorf("after the release came %q", line)
	}
	<-written
	for _, err := range stream.Fetch(context.Background(), []uint32{1}) {
		if err == nil {
			t.Error("a released stream goes on")
		}
	}
	tap.Close()
	if _, err := tap.Take(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("stream of a closed connection: %v", err)
	}
}

// A takeover is not a line's business: it waits until the line is over, and
// go-imap's long deadlines neither break it nor survive it shortened.
func TestTakeWaitsForTheEndOfALine(t *testing.T) {
	conn, server := net.Pipe()
	defer server.Close()
	tap := NewTap(conn, TapOptions{Buffered: []byte("* OK\r\n")})
	defer tap.Close()
	tap.SetReadDeadline(time.Now().Add(time.Hour))
	heard := make(chan string, 10)
	go func() {
		in := bufio.NewReaderSize(tap, 16)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			heard <- line
		}
	}()
	<-heard
	io.WriteString(server, "* 3 EXI")
	taken := make(chan *Stream)
	go func() {
		stream, err := tap.Take()
		if err != nil {
			t.Error(err)
		}
		taken <- stream
	}()
	io.WriteString(server, "STS\r\n")
	stream := <-taken
	if line := <-heard; line != "* 3 EXISTS\r\n" {
		t.Errorf("heard %q", line)
	}
	stream.Release()
}
