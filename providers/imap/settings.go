package imap

import (
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// rawSettings is the block as it is written.
type rawSettings struct {
	Host           string               `json:"host"`
	Port           *float64             `json:"port"`
	Security       string               `json:"security"`
	AllowPlaintext bool                 `json:"allow_plaintext"`
	CAFile         string               `json:"ca_file"`
	ServerName     string               `json:"server_name"`
	MaxConnections *float64             `json:"max_connections"`
	Timeout        string               `json:"timeout"`
	Settle         string               `json:"settle"`
	Prefix         *string              `json:"prefix"`
	Accounts       []map[string]*string `json:"accounts"`
	Username       string               `json:"username"`
	Password       string               `json:"password"`
	Auth           string               `json:"auth"`
	Master         *rawMaster           `json:"master"`
	Token          *rawToken            `json:"token"`
	Folders        *rawFolders          `json:"folders"`
}

type rawMaster struct {
	Username  string  `json:"username"`
	Password  string  `json:"password"`
	Mode      string  `json:"mode"`
	Separator *string `json:"separator"`
}

type rawToken struct {
	Command []string `json:"command"`
	Shared  bool     `json:"shared"`
}

type rawFolders struct {
	Exclude []string `json:"exclude"`
}

// settings are checked.
type settings struct {
	host, port  string
	security    string
	serverName  string
	roots       *x509.CertPool // nil: the system's
	connections int
	timeout     time.Duration
	settle      time.Duration
	prefix      *string
	accounts    []account
	username    string
	password    string
	auth        authName
	master      *rawMaster
	separator   string
	token       *rawToken
	exclude     []string
	folder      string
}

// account is one mailbox named in the settings.
type account struct {
	address     inventory.Address
	username    string
	password    string
	displayName string
}

// checker collects what is wrong.
type checker struct{ errs []error }

func (c *checker) bad(summary, fix string, path ...string) {
	c.errs = append(c.errs, &providers.SettingError{Path: path, Summary: summary, Fix: fix})
}

func parseSettings(options providers.Options) (*settings, error) {
	var raw rawSettings
	if err := options.Settings.Decode(&raw); err != nil {
		return nil, err
	}
	var check checker
	set := &settings{host: strings.TrimSpace(raw.Host), serverName: raw.ServerName, prefix: raw.Prefix, username: raw.Username,
		password: raw.Password, auth: authName(raw.Auth), master: raw.Master, token: raw.Token, folder: options.Folder}
	set.checkServer(&check, raw)
	set.checkLimits(&check, raw)
	set.checkTrust(&check, raw)
	set.checkSignIn(&check, raw)
	set.checkAccounts(&check, raw, options.Role)
	set.checkFolders(&check, raw)
	return set, errors.Join(check.errs...)
}

func (s *settings) checkServer(check *checker, raw rawSettings) {
	switch {
	case s.host == "":
		check.bad("the server is missing", `set host = "imap.example.org"`, "host")
	case strings.ContainsAny(s.host, "/ ") || strings.Contains(s.host, ":") && net.ParseIP(s.host) == nil:
		check.bad("not the name or address of a server", "name the host alone, and the port in port", "host")
	}
	s.security = raw.Security
	port := 143
	switch raw.Security {
	case "", "tls":
		s.security, port = "tls", 993
	case "starttls":
	case "none":
		if !raw.AllowPlaintext && !loopback(s.host) {
			check.bad("a connection without TLS to a host that is not this machine", `use security = "tls", or set allow_plaintext = true`, "security")
		}
	default:
		check.bad("not a kind of security", `use "tls", "starttls" or "none"`, "security")
	}
	if raw.Port != nil {
		port = int(*raw.Port)
		if float64(port) != *raw.Port || port < 1 || port > 65535 {
			check.bad("not a TCP port", "use a whole number from 1 to 65535", "port")
		}
	}
	s.port = strconv.Itoa(port)
}

func loopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost")
}

func (s *settings) checkLimits(check *checker, raw rawSettings) {
	s.connections = 3
	if raw.MaxConnections != nil {
		s.connections = int(*raw.MaxConnections)
		if float64(s.connections) != *raw.MaxConnections || s.connections < 1 || s.connections > 100 {
			check.bad("not a number of connections", "use a whole number from 1 to 100", "max_connections")
		}
	}
	s.timeout = check.duration(raw.Timeout, time.Minute, "timeout")
	s.settle = check.duration(raw.Settle, 3*time.Second, "settle")
}

// duration reads a duration above zero; text that is empty is otherwise.
func (c *checker) duration(text string, otherwise time.Duration, name string) time.Duration {
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		c.bad("not a duration", `use a number with a unit: "30s", "2m"`, name)
	}
	return d
}

func (s *settings) checkTrust(check *checker, raw rawSettings) {
	if raw.CAFile == "" {
		return
	}
	file := raw.CAFile
	if !filepath.IsAbs(file) {
		file = filepath.Join(s.folder, file)
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		check.bad("cannot read the certificates: "+err.Error(), "name a PEM file", "ca_file")
		return
	}
	s.roots = x509.NewCertPool()
	if !s.roots.AppendCertsFromPEM(pem) {
		check.bad("the file holds no PEM certificate", "name a file with BEGIN CERTIFICATE blocks", "ca_file")
	}
}

func (s *settings) checkSignIn(check *checker, raw rawSettings) {
	if s.auth == "" {
		s.auth = authAuto
	}
	if !slices.Contains(authNames(), string(s.auth)) {
		check.bad("not a way to sign in", "use one of "+strings.Join(authNames(), ", "), "auth")
	}
	if s.auth.token() && s.token == nil {
		check.bad("a token is needed", `add token { command = ["..."] }`, "auth")
	}
	if s.token != nil && (len(s.token.Command) == 0 || s.token.Command[0] == "") {
		check.bad("the program is missing", `set command = ["program", "argument"]`, "token", "command")
	}
	if s.token != nil && s.master != nil {
		check.bad("master and token exclude each other", "keep one of the blocks", "master")
	}
	s.checkMaster(check)
}

func (s *settings) checkMaster(check *checker) {
	if s.master == nil {
		return
	}
	if s.master.Username == "" {
		check.bad("the name of the master account is missing", `set username = "master"`, "master", "username")
	}
	s.separator = "*"
	if s.master.Separator != nil {
		s.separator = *s.master.Separator
	}
	switch s.master.Mode {
	case "", "separator":
		s.master.Mode = "separator"
		if s.separator == "" {
			check.bad("the separator is empty", `set separator = "*"`, "master", "separator")
		}
	case "authzid":
		if s.auth != authAuto && s.auth != authPlain {
			check.bad("an authorization identity needs SASL PLAIN", `set auth = "plain", or leave it out`, "auth")
		}
	default:
		check.bad("not a mode", `use "separator" or "authzid"`, "master", "mode")
	}
}

func (s *settings) checkAccounts(check *checker, raw rawSettings, role providers.Role) {
	if raw.Accounts == nil && role == providers.Source {
		check.bad("the mailboxes are missing", `set accounts = csvdecode(file("accounts.csv"))`, "accounts")
	}
	if raw.Accounts == nil && !s.shared() {
		check.bad("nothing to sign in with", "add accounts, a master or token block, or a password", "accounts")
	}
	seen := map[inventory.Address]int{}
	for i, row := range raw.Accounts {
		a, ok := s.account(check, row, i+1)
		if !ok {
			continue
		}
		if first, double := seen[a.address]; double {
			check.bad("row "+strconv.Itoa(i+1)+" names "+string(a.address)+" again, after row "+strconv.Itoa(first), "keep one row for each mailbox", "accounts")
			continue
		}
		seen[a.address] = i + 1
		s.accounts = append(s.accounts, a)
	}
}

// shared reports whether accounts need no password of their own.
func (s *settings) shared() bool { return s.master != nil || s.token != nil || s.password != "" }

func (s *settings) account(check *checker, row map[string]*string, number int) (account, bool) {
	at := "row " + strconv.Itoa(number) + ": "
	a := account{username: column(row, "username"), password: column(row, "password"), displayName: column(row, "display_name")}
	address, ok := inventory.ParseAddress(column(row, "address"))
	if !ok {
		check.bad(at+strconv.Quote(column(row, "address"))+" is not an address", "each row needs a column address with local@domain", "accounts")
		return a, false
	}
	a.address = address
	if a.password == "" && !s.shared() {
		check.bad(at+string(address)+" has no password", "add a column password, a password for all, or a master or token block", "accounts")
		return a, false
	}
	return a, true
}

func column(row map[string]*string, name string) string {
	if v := row[name]; v != nil {
		return *v
	}
	return ""
}

func (s *settings) checkFolders(check *checker, raw rawSettings) {
	if raw.Folders == nil {
		return
	}
	for _, pattern := range raw.Folders.Exclude {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			check.bad(strconv.Quote(pattern)+" is not a pattern", `use names and *: "Lists/*"`, "folders", "exclude")
			continue
		}
		s.exclude = append(s.exclude, pattern)
	}
}

// excludes reports whether a folder or one above it is left out.
func (s *settings) excludes(folder inventory.Path) bool {
	for i := range folder {
		name := folder[:i+1].String()
		for _, pattern := range s.exclude {
			if matched, _ := path.Match(pattern, name); matched || pattern == name {
				return true
			}
		}
	}
	return false
}

// find returns the account of an address: one that the settings name, or on an
// endpoint that names none, any.
func (s *settings) find(address inventory.Address) (account, bool) {
	for _, a := range s.accounts {
		if a.address == address {
			return a, true
		}
	}
	return account{address: address}, len(s.accounts) == 0
}

// signInName is the name under which the server knows an account.
func (s *settings) signInName(a account) string {
	if a.username != "" {
		return a.username
	}
	template := s.username
	if template == "" {
		template = "{address}"
	}
	local := strings.TrimSuffix(string(a.address), "@"+a.address.Domain())
	return strings.NewReplacer("{address}", string(a.address), "{local}", local, "{domain}", a.address.Domain()).Replace(template)
}

func (s *settings) identity() string {
	return "imap://" + net.JoinHostPort(strings.ToLower(s.host), s.port)
}
