package names

import (
	"strings"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
)

// The first four are those of RFC 3501 section 5.1.3, and of Dovecot.
func TestModifiedUTF7(t *testing.T) {
	for plain, coded := range map[string]string{
		"~peter/mail/台北/日本語": "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
		"Entwürfe":           "Entw&APw-rfe",
		"a & b":              "a &- b",
		"😀":                  "&2D3eAA-",
		"":                   "",
		"&&":                 "&-&-",
		"☺!":                 "&Jjo-!",
		"\t":                 "&AAk-",
		"\x7f":               "&AH8-",
	} {
		if got := EncodeUTF7(plain); got != coded {
			t.Errorf("%q is %q, want %q", plain, got, coded)
		}
		if got, err := DecodeUTF7(coded); got != plain || err != nil {
			t.Errorf("%q means %q, %v", coded, got, err)
		}
	}
	for _, wrong := range []string{"&", "&AOk", "&AGE-", "&AOk-&AOk-", "&A-", "&====-", "\xe9", "&U,-", "ü", "&2D0-"} {
		if got, err := DecodeUTF7(wrong); err == nil {
			t.Errorf("%q was taken for %q", wrong, got)
		}
	}
}

func FuzzDecodeUTF7(f *testing.F) {
	f.Add("Entw&APw-rfe")
	f.Add("&-&AGE-&")
	f.Fuzz(func(t *testing.T, coded string) {
		if plain, err := DecodeUTF7(coded); err == nil && EncodeUTF7(plain) != coded {
			t.Fatalf("%q means %q, which is %q", coded, plain, EncodeUTF7(plain))
		}
	})
}

func TestRulesRefuse(t *testing.T) {
	rules := inventory.Naming{Forbidden: "/", MaxName: 10, MaxPath: 15, Encoding: "utf-7", MaxDepth: 2, Reserved: []string{"Public"}}
	for path, refused := range map[string]bool{
		"Fine": false, "Fine/Too": false, `a\/b`: true, "Public": true, "x/Public": false, "a/b/c": true, "": true,
		strings.Repeat("x", 11): true, "üüü": false, "üüüü": true, "ninechars/ninechars": true,
	} {
		if got := Refusal(inventory.ParsePath(path), rules); (got != "") != refused {
			t.Errorf("%q: %q", path, got)
		}
	}
}
