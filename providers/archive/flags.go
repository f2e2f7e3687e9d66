package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
)

// The letters of Maildir, in the order in which names have them.
var flagLetters = []struct {
	letter byte
	flag   string
}{{'D', inventory.Draft}, {'F', inventory.Flagged}, {'R', inventory.Answered}, {'S', inventory.Seen}, {'T', inventory.Deleted}}

// keywords are the names that the letters a to z stand for in one folder, as
// Dovecot keeps them in its file dovecot-keywords.
type keywords []string

const keywordsFile = "dovecot-keywords"

func readKeywords(dir string) (keywords, error) {
	file, err := os.Open(filepath.Join(dir, keywordsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var k keywords
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var n int
		var name string
		if _, err := fmt.Sscanf(lines.Text(), "%d %s", &n, &name); err != nil || n < 0 || n > 25 {
			continue
		}
		for len(k) <= n {
			k = append(k, "")
		}
		k[n] = name
	}
	return k, nil
}

// with adds the keywords among flags for which there is a letter left.
func (k keywords) with(flags inventory.Flags) (keywords, bool) {
	grown := false
	for _, flag := range flags.List() {
		if flag[0] != '\\' && k.letter(flag) == 0 && len(k) < 26 {
			k, grown = append(slices.Clip(k), flag), true
		}
	}
	return k, grown
}

func (k keywords) letter(flag string) byte {
	for i, name := range k {
		if strings.EqualFold(name, flag) {
			return byte('a' + i)
		}
	}
	return 0
}

func (k keywords) write(dir string, durable bool) error {
	var text strings.Builder
	for i, name := range k {
		fmt.Fprintf(&text, "%d %s\n", i, name)
	}
	return replaceFile(filepath.Join(dir, keywordsFile), []byte(text.String()), durable)
}

// encode returns the letters of flags, sorted as Maildir wants them. Keywords
// beyond the 26th have none, and are in the index only.
func (k keywords) encode(flags inventory.Flags) string {
	var letters []byte
	for _, f := range flagLetters {
		if flags.Has(f.flag) {
			letters = append(letters, f.letter)
		}
	}
	for _, flag := range flags.List() {
		if letter := k.letter(flag); flag[0] != '\\' && letter != 0 {
			letters = append(letters, letter)
		}
	}
	slices.Sort(letters)
	return string(letters)
}

func (k keywords) decode(letters string) inventory.Flags {
	var names []string
	for i := range len(letters) {
		c := letters[i]
		for _, f := range flagLetters {
			if f.letter == c {
				names = append(names, f.flag)
			}
		}
		if c >= 'a' && int(c-'a') < len(k) {
			names = append(names, k[c-'a'])
		}
	}
	return inventory.MakeFlags(names...)
}

// lettered is the part of flags that file names can tell.
func (k keywords) lettered(flags inventory.Flags) inventory.Flags { return k.decode(k.encode(flags)) }
