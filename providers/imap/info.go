package imap

import (
	"context"
	"regexp"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// Info implements [providers.Mailbox]: quota (RFC 9208), APPENDLIMIT (RFC
// 7889), keywords, and on a target what names the server takes.
func (s *session) Info(ctx context.Context) (providers.MailboxInfo, error) {
	info := providers.MailboxInfo{Naming: s.naming(), MaxItemSize: s.appendLimit()}
	if err := s.learnLimits(ctx, &info); err != nil {
		return providers.MailboxInfo{}, s.fail("read limits", err)
	}
	if s.endpoint.role == providers.Target {
		if err := s.learnKeywords(ctx, &info); err != nil {
			return providers.MailboxInfo{}, s.fail("read keywords", err)
		}
		if err := s.probeNames(ctx, &info.Naming); err != nil {
			return providers.MailboxInfo{}, s.fail("try folder names", err)
		}
	}
	return info, nil
}

// naming is what every server demands. Servers keep folders as files or rows
// whose names end at 255 bytes, as they stand on the wire.
func (s *session) naming() inventory.Naming {
	naming := inventory.Naming{Forbidden: "\x00" + s.layout.personal.separator, MaxName: 255, Encoding: "utf-7"}
	if s.layout.personal.separator == "" {
		naming.MaxDepth = 1
	}
	return naming
}

func (s *session) appendLimit() int64 {
	text, _ := s.conn.CapValue("APPENDLIMIT")
	return limitOf(text)
}

// limitOf reads a limit; Cyrus says 4294967295 for none.
func limitOf(text string) int64 {
	n := parseNumber(text)
	if n >= 1<<32-1 {
		return 0
	}
	return int64(n)
}

func (s *session) learnLimits(ctx context.Context, info *providers.MailboxInfo) error {
	var commands []*wire.Command
	if s.has("QUOTA") {
		commands = append(commands, wire.Cmd("GETQUOTAROOT").Str(inbox))
	}
	if s.has("APPENDLIMIT") {
		commands = append(commands, wire.Cmd("STATUS").Str(inbox).List("APPENDLIMIT"))
	}
	if len(commands) == 0 {
		return nil
	}
	// A server that refuses says that it does not tell.
	_, err := s.conn.Run(ctx, func(r wire.Response) { hearLimits(info, r) }, commands...)
	return err
}

func hearLimits(info *providers.MailboxInfo, r wire.Response) {
	switch r.Name {
	case "QUOTA":
		hearQuota(info, r.Value(1).List)
	case "STATUS":
		r.Value(1).Pairs(func(name string, value wire.Value) {
			if name == "APPENDLIMIT" {
				info.MaxItemSize = limitOf(value.Text) // NIL is no limit
			}
		})
	}
}

// hearQuota reads "(STORAGE 10 512 MESSAGE 5 100)": resource, usage, limit.
// Of several roots the one with the least room counts.
func hearQuota(info *providers.MailboxInfo, list []wire.Value) {
	for i := 0; i+2 < len(list); i += 3 {
		used, limit := int64(parseNumber(list[i+1].Text)), int64(parseNumber(list[i+2].Text))
		switch strings.ToUpper(list[i].Text) {
		case "STORAGE": // in units of 1,024 bytes
			if info.Quota == 0 || (limit-used)*1024 < info.Quota-info.Used {
				info.Quota, info.Used = limit*1024, used*1024
			}
		case "MESSAGE":
			if info.QuotaItems == 0 || limit-used < info.QuotaItems-info.UsedItems {
				info.QuotaItems, info.UsedItems = limit, used
			}
		}
	}
}

func (s *session) learnKeywords(ctx context.Context, info *providers.MailboxInfo) error {
	if _, known := s.permanent[inbox]; !known {
		if _, err := s.open(ctx, inbox, true, true); err != nil {
			return err
		}
	}
	permanent, told := s.permanent[inbox]
	if !told || hasFold(permanent, `\*`) {
		return nil
	}
	info.Keywords = []string{}
	for _, flag := range permanent {
		if !strings.HasPrefix(flag, `\`) {
			info.Keywords = append(info.Keywords, flag)
		}
	}
	return nil
}

// probed are characters that some server or storage refuses in names: the
// separators of Maildir++ and of file systems, wildcards of LIST, and what
// other file systems leave out.
const probed = "./\\%*~#&:|?<>\"^`{}[]$"

const probe = "cutover-probe"

// probeNames asks for the status of folders that do not exist. A server that
// has rules for names answers differently to one that breaks them: Dovecot
// says [CANNOT] to "/" and to "." where Maildir++ cannot hold them. Nothing is
// created.
func (s *session) probeNames(ctx context.Context, naming *inventory.Naming) error {
	characters := strings.ReplaceAll(probed, s.layout.personal.separator, "")
	names := []string{probe}
	for _, c := range characters {
		names = append(names, leading(c)+encodeName(string(c))+"x")
	}
	if separator := s.layout.personal.separator; separator != "" && s.layout.personal.prefix == "" {
		names = append(names, inbox+separator+probe)
	}
	refused, err := s.statusProbes(ctx, names)
	if err != nil || refused[0] {
		return err
	}
	for i, c := range characters {
		if refused[1+i] {
			naming.Forbidden += string(c)
		}
	}
	naming.InboxLeaf = len(names) > 1+len(characters) && refused[1+len(characters)]
	s.knownRules(naming)
	return nil
}

// knownRules adds what products do not tell by themselves.
func (s *session) knownRules(naming *inventory.Naming) {
	switch {
	case strings.HasPrefix(s.product, "Dovecot") && strings.ContainsAny(strings.TrimPrefix(naming.Forbidden, "\x00"+s.layout.personal.separator), "./"):
		// Maildir++ keeps a folder with all above it in one directory name of
		// at most 255 bytes, which begins with "." (Dovecot 2.3.19: longer
		// names are "NO Not found").
		naming.MaxPath = 254 - len(s.layout.personal.prefix)
	case strings.HasPrefix(s.product, "Cyrus"):
		// Cyrus 3.6.1 answers "NO Invalid mailbox name" to these, and to
		// internal names of 490 bytes and more: "user.NAME.FOLDER".
		naming.Forbidden += "!\"%;<>\\^`{|}"
		naming.MaxPath = 480 - len("user..") - len(s.endpoint.set.signInName(s.account))
	}
}

// leading puts text before a character that matters at the start of a name.
func leading(c rune) string {
	if c == '~' || c == '#' {
		return ""
	}
	return probe
}

var nameWords = regexp.MustCompile(`(?i)invalid|illegal|not allowed|not permitted|permission denied|bad (mailbox )?name|too long`)

// statusProbes tells which names the server refuses as names.
func (s *session) statusProbes(ctx context.Context, names []string) ([]bool, error) {
	commands := make([]*wire.Command, len(names))
	for i, name := range names {
		commands[i] = wire.Cmd("STATUS").Str(s.layout.personal.prefix + name).List("MESSAGES")
	}
	done, err := s.conn.Run(ctx, nil, commands...)
	if err != nil {
		return nil, err
	}
	refused := make([]bool, len(names))
	for i := range done {
		if status, no := asAnswer(done[i]); no {
			refused[i] = status.code == "CANNOT" || status.code != "NONEXISTENT" && (status.name == "BAD" || nameWords.MatchString(status.text))
		}
	}
	return refused, nil
}
