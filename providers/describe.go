package providers

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// Description is what a provider says of itself. The documentation of a
// provider is made from it.
type Description struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Summary string `json:"summary"` // one line
	// Roles are the sides its endpoints can stand on.
	Roles []Role `json:"roles"`
	// Abilities are those that an endpoint can have; which it has is in Info.
	Abilities []AbilitySupport `json:"abilities"`
	Settings  Schema           `json:"settings"`
	// Codes are the error codes that only this provider emits.
	Codes []Code `json:"codes"`
}

// AbilitySupport says on which sides a provider can hold something, or why
// not.
type AbilitySupport struct {
	Ability inventory.Ability `json:"ability"`
	Roles   []Role            `json:"roles"`
	// Reason says why a side, or the whole ability, is missing.
	Reason string `json:"reason,omitempty"`
}

// Code is the explanation of one error code.
type Code struct {
	Code  string `json:"code"` // lower case, words joined by "-": "imap-overquota"
	Title string `json:"title"`
	Cause string `json:"cause"`
	Fix   string `json:"fix"`
}

// Type is the type of a setting.
type Type string

// The types of settings.
const (
	TypeString   Type = "string"
	TypeBool     Type = "bool"
	TypeNumber   Type = "number"
	TypeDuration Type = "duration" // a string such as "30s"; reaches the provider as such
	TypeStrings  Type = "list(string)"
	// TypeRows is a list of objects whose values are strings or null: what
	// csvdecode returns.
	TypeRows Type = "list(map(string))"
)

// Schema declares settings: what may stand in the body of an endpoint's block.
type Schema struct {
	Attributes []Attribute `json:"attributes,omitempty"`
	Blocks     []Block     `json:"blocks,omitempty"`
}

// Attribute is one setting.
type Attribute struct {
	Name     string `json:"name"`
	Type     Type   `json:"type"`
	Required bool   `json:"required,omitempty"`
	// Secret values are kept out of every output.
	Secret bool   `json:"secret,omitempty"`
	Help   string `json:"help"`
	// Default is shown in the documentation; the provider applies it.
	Default string `json:"default,omitempty"`
	// Allowed are the only values of a string, if any are listed.
	Allowed []string `json:"allowed,omitempty"`
	// Roles are the sides on which it may stand; nil is both.
	Roles []Role `json:"roles,omitempty"`
}

// Block is a nested block. At most one of a name may stand in a body, unless
// Repeated.
type Block struct {
	Name string `json:"name"`
	// Label names the one label the block has, if it has one: directory "ldap".
	Label    string `json:"label,omitempty"`
	Repeated bool   `json:"repeated,omitempty"`
	Help     string `json:"help"`
	Schema   Schema `json:"schema"`
	Roles    []Role `json:"roles,omitempty"`
}

// Settings is the decoded body of an endpoint's block as JSON: attributes by
// name (absent when not set), blocks by name (an object; an array of objects
// when Repeated; the label under the name of Block.Label).
type Settings json.RawMessage

// Decode unmarshals the settings into a struct with json tags.
func (s Settings) Decode(into any) error {
	if len(s) == 0 {
		return nil
	}
	if err := json.Unmarshal(s, into); err != nil {
		return fmt.Errorf("decode settings: %w", err)
	}
	return nil
}

// SettingError is a setting with which no endpoint can be opened.
type SettingError struct {
	// Path leads to the setting: the names of blocks, then the attribute.
	Path    []string
	Summary string // one clause
	Fix     string
}

// Error returns the path and the summary.
func (e *SettingError) Error() string {
	return strings.Join(e.Path, ".") + ": " + e.Summary
}

// Info is what an endpoint can do.
type Info struct {
	// Identity names the server and what is served, without credentials:
	// "imap://127.0.0.1:11143". Another identity is another endpoint, to
	// which the state of the first does not apply.
	Identity string `json:"identity"`
	// Product is the server software, if it says; for people.
	Product   string              `json:"product,omitempty"`
	Abilities []inventory.Ability `json:"abilities"`
	Limits    Limits              `json:"limits"`
	// SignIn says that people sign in to the mailboxes which the endpoint
	// creates, so that each needs an initial password.
	SignIn bool `json:"sign_in,omitempty"`
	// Formats are, for each class, the formats in which an endpoint gives
	// (source) or takes (target) items, best first. A class "" stands for every
	// class not named.
	Formats map[inventory.Class][]FormatSupport `json:"formats"`
	// Notes are facts that the plan should show, with the losses they mean.
	Notes []Loss `json:"notes,omitempty"`
}

// Limits bound the use of an endpoint.
type Limits struct {
	// Connections is how many sessions may be open at once; at least 1.
	Connections int `json:"connections"`
	// PerMailbox is how many of them may be on one mailbox; 0 is no further
	// limit.
	PerMailbox int `json:"per_mailbox,omitempty"`
	// Settle is how long a folder has to stay unchanged before the writes of a
	// connection that was lost can be taken to have ended: a server goes on
	// with what it has received. 0 says that they end with the session.
	Settle time.Duration `json:"settle_ns,omitempty"`
}

// FormatSupport is a format and what it cannot carry.
type FormatSupport struct {
	Format inventory.Format `json:"format"`
	Loses  []Loss           `json:"loses,omitempty"`
}

// Loss is something that does not come along.
type Loss struct {
	// Code can be waived in the configuration: "inbox-rules".
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Has reports whether the endpoint has the ability.
func (i Info) Has(ability inventory.Ability) bool {
	for _, a := range i.Abilities {
		if a == ability {
			return true
		}
	}
	return false
}
