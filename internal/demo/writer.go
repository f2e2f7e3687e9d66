package demo

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// person is who a mailbox belongs to.
type person struct{ name, local string }

func (p person) address() string { return p.local + "@contoso.test" }

// header returns the address as it stands in a message.
func (p person) header() string {
	return mime.QEncoding.Encode("utf-8", p.name) + " <" + p.address() + ">"
}

// folder is a folder to be filled.
type folder struct {
	name     string
	use      []imap.MailboxAttr
	messages int
	outgoing bool
}

// message is one generated message.
type message struct {
	body     []byte
	flags    []imap.Flag
	received time.Time
}

// writer writes the mail of one person, the same for the same seed.
type writer struct {
	person person
	random *rand.Rand
	count  int
	clock  time.Time
}

func newWriter(seed uint64, p person) *writer {
	var salt uint64
	for _, c := range p.local {
		salt = salt*31 + uint64(c)
	}
	return &writer{
		person: p, random: rand.New(rand.NewPCG(seed, salt)),
		clock: time.Date(2019, 3, 4, 8, 0, 0, 0, time.FixedZone("", 3600)),
	}
}

func (w *writer) folders() []folder {
	all := []folder{
		{name: "INBOX", messages: 60 + w.random.IntN(120)},
		{name: "Sent", use: []imap.MailboxAttr{imap.MailboxAttrSent}, messages: 30 + w.random.IntN(60), outgoing: true},
		{name: "Drafts", use: []imap.MailboxAttr{imap.MailboxAttrDrafts}, messages: w.random.IntN(4), outgoing: true},
		{name: "Trash", use: []imap.MailboxAttr{imap.MailboxAttrTrash}, messages: w.random.IntN(20)},
		{name: "Junk", use: []imap.MailboxAttr{imap.MailboxAttrJunk}, messages: w.random.IntN(12)},
		{name: "Archive", use: []imap.MailboxAttr{imap.MailboxAttrArchive}},
	}
	for year := 2019; year <= 2021+w.random.IntN(4); year++ {
		all = append(all, folder{name: fmt.Sprintf("Archive/%d", year), messages: 10 + w.random.IntN(30)})
	}
	for _, name := range projects {
		if w.random.IntN(3) == 0 {
			all = append(all, folder{name: "Projects/" + name, messages: 5 + w.random.IntN(25)})
		}
	}
	return all
}

func (w *writer) message(f folder) message {
	w.count++
	w.clock = w.clock.Add(time.Duration(w.random.IntN(36*3600)) * time.Second)
	from, to := w.other(), w.person
	if f.outgoing {
		from, to = to, from
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\n", from.header(), to.header())
	if w.random.IntN(5) == 0 {
		fmt.Fprintf(&b, "Cc: %s, %s\r\n", w.other().header(), w.other().header())
	}
	id := fmt.Sprintf("<%d.%x@mail.contoso.test>", w.count, w.random.Uint64())
	fmt.Fprintf(&b, "Subject: %s\r\nDate: %s\r\nMessage-ID: %s\r\nMIME-Version: 1.0\r\n",
		mime.QEncoding.Encode("utf-8", w.subject()), w.clock.Format(time.RFC1123Z), id)
	w.content(&b)
	return message{body: b.Bytes(), flags: w.flags(f), received: w.clock.Add(time.Duration(w.random.IntN(90)) * time.Second)}
}

func (w *writer) other() person { return people[w.random.IntN(len(people))] }

func (w *writer) subject() string {
	s := subjects[w.random.IntN(len(subjects))]
	switch w.random.IntN(4) {
	case 0:
		return "Re: " + s
	case 1:
		return s + " (" + projects[w.random.IntN(len(projects))] + ")"
	}
	return s
}

func (w *writer) flags(f folder) []imap.Flag {
	var flags []imap.Flag
	if f.outgoing || w.random.IntN(10) < 8 {
		flags = append(flags, imap.FlagSeen)
	}
	if w.random.IntN(6) == 0 {
		flags = append(flags, imap.FlagAnswered)
	}
	if w.random.IntN(12) == 0 {
		flags = append(flags, imap.FlagFlagged)
	}
	if w.random.IntN(15) == 0 {
		flags = append(flags, "$Forwarded")
	}
	if f.name == "Drafts" {
		flags = append(flags, imap.FlagDraft)
	}
	return flags
}

// content writes a plain text, a text with its HTML, or either with an
// attachment: as three, three and one of seven messages.
func (w *writer) content(b *bytes.Buffer) {
	text := w.text()
	switch w.random.IntN(7) {
	case 0, 1, 2:
		writePart(b, "text/plain; charset=utf-8", text)
	case 3, 4, 5:
		w.multipart(b, "alternative", func(part func(string, string)) {
			part("text/plain; charset=utf-8", text)
			part("text/html; charset=utf-8", html(text))
		})
	default:
		b.WriteString("Content-Type: multipart/mixed; boundary=mixed" + fmt.Sprint(w.count) + "\r\n\r\n")
		fmt.Fprintf(b, "--mixed%d\r\n", w.count)
		writePart(b, "text/plain; charset=utf-8", text)
		fmt.Fprintf(b, "\r\n--mixed%d\r\n", w.count)
		w.attachment(b)
		fmt.Fprintf(b, "\r\n--mixed%d--\r\n", w.count)
	}
}

func (w *writer) multipart(b *bytes.Buffer, kind string, write func(part func(string, string))) {
	boundary := fmt.Sprintf("%s%d", kind, w.count)
	fmt.Fprintf(b, "Content-Type: multipart/%s; boundary=%s\r\n\r\n", kind, boundary)
	write(func(contentType, text string) {
		fmt.Fprintf(b, "--%s\r\n", boundary)
		writePart(b, contentType, text)
		b.WriteString("\r\n")
	})
	fmt.Fprintf(b, "--%s--\r\n", boundary)
}

func writePart(b *bytes.Buffer, contentType, text string) {
	fmt.Fprintf(b, "Content-Type: %s\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", contentType)
	q := quotedprintable.NewWriter(b)
	q.Write([]byte(text))
	q.Close()
	b.WriteString("\r\n")
}

func (w *writer) attachment(b *bytes.Buffer) {
	name := attachments[w.random.IntN(len(attachments))]
	fmt.Fprintf(b, "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=%q\r\nContent-Transfer-Encoding: base64\r\n\r\n", name)
	data := make([]byte, 2000+w.random.IntN(120_000))
	for i := range data {
		data[i] = byte(w.random.Uint32())
	}
	encoded := base64.StdEncoding.EncodeToString(data)
	for len(encoded) > 76 {
		b.WriteString(encoded[:76] + "\r\n")
		encoded = encoded[76:]
	}
	b.WriteString(encoded + "\r\n")
}

func (w *writer) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s,\r\n\r\n", greetings[w.random.IntN(len(greetings))])
	for range 2 + w.random.IntN(6) {
		for range 1 + w.random.IntN(5) {
			b.WriteString(sentences[w.random.IntN(len(sentences))] + " ")
		}
		b.WriteString("\r\n\r\n")
	}
	return b.String() + w.person.name + "\r\n"
}

func html(text string) string {
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(text)
	return "<html><body><p>" + strings.ReplaceAll(escaped, "\r\n\r\n", "</p>\r\n<p>") + "</p></body></html>\r\n"
}
