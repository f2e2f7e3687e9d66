// Package imapstream is the hot path of the IMAP provider: listing, fetching
// and appending thousands of messages as streams. Everything else an IMAP
// session does is left to emersion/go-imap on the same connection.
//
// A [Tap] sits between the connection and go-imap. Between two go-imap
// commands [Tap.Take] hands the connection over as a [Stream]; when its
// commands are done, [Stream.Release] hands it back:
//
//	tap := imapstream.NewTap(conn, imapstream.TapOptions{})
//	client := imapclient.New(tap, nil)
//	... client.Login, client.Select ...
//	stream, err := tap.Take()
//	for message, err := range stream.Fetch(ctx, uids) { ... }
//	stream.Release()
//
// Errors come in two sorts. A [ResponseError] with status NO or BAD is the
// server's answer to one command; the connection goes on. Any other error
// (a cut connection, BYE, bytes that are no IMAP, a cancelled context, an idle
// server) ends the connection: [Tap.Err] is not nil from then on, and every
// later call of the stream or of go-imap fails.
package imapstream
