package imap

import (
	"strings"

	"github.com/cutover-mail/cutover/inventory"
)

// roleOf maps the attributes of RFC 6154, RFC 8457 and RFC 9051.
func roleOf(attributes []string) inventory.Role {
	for _, attribute := range attributes {
		if role, known := roleAttributes[strings.ToLower(attribute)]; known {
			return role
		}
	}
	return inventory.RoleNone
}

var roleAttributes = map[string]inventory.Role{
	`\inbox`:     inventory.RoleInbox, // XLIST and its descendants
	`\sent`:      inventory.RoleSent,
	`\drafts`:    inventory.RoleDrafts,
	`\junk`:      inventory.RoleJunk,
	`\spam`:      inventory.RoleJunk,
	`\trash`:     inventory.RoleTrash,
	`\archive`:   inventory.RoleArchive,
	`\all`:       inventory.RoleAll,
	`\allmail`:   inventory.RoleAll,
	`\flagged`:   inventory.RoleFlagged,
	`\starred`:   inventory.RoleFlagged,
	`\important`: inventory.RoleImportant,
}

// attributeOf is what CREATE ... USE takes; "" for roles that it does not.
func attributeOf(role inventory.Role) string {
	switch role {
	case inventory.RoleSent, inventory.RoleDrafts, inventory.RoleJunk, inventory.RoleTrash, inventory.RoleArchive:
		return `\` + strings.ToUpper(string(role[:1])) + string(role[1:])
	}
	return ""
}

// roleNames are the names under which mail programs and servers make the
// special folders, in lower case, most telling first.
var roleNames = []struct {
	role  inventory.Role
	names []string
}{
	{inventory.RoleSent, []string{"sent", "sent items", "sent messages", "sent mail", "sent-mail", "gesendet", "gesendete objekte", "gesendete elemente", "gesendete nachrichten",
		"éléments envoyés", "envoyés", "messages envoyés", "enviados", "elementos enviados", "mensajes enviados", "itens enviados", "posta inviata", "inviata", "inviati",
		"verzonden items", "verzonden", "verzonden berichten", "skickat", "skickade objekt", "sendt post", "sendte elementer", "lähetetyt", "wysłane", "elementy wysłane", "odeslaná pošta",
		"odeslané", "отправленные", "надіслані", "送信済みアイテム", "送信済み", "已发送邮件", "已发送", "寄件備份"}},
	{inventory.RoleDrafts, []string{"drafts", "draft", "entwürfe", "brouillons", "borradores", "rascunhos", "bozze", "concepten", "utkast", "kladder", "luonnokset", "szkice", "wersje robocze",
		"koncepty", "rozepsané", "черновики", "чернетки", "下書き", "草稿", "草稿箱"}},
	{inventory.RoleTrash, []string{"trash", "deleted items", "deleted messages", "deleted", "papierkorb", "gelöschte objekte", "gelöschte elemente", "gelöscht", "corbeille", "éléments supprimés",
		"papelera", "elementos eliminados", "eliminados", "lixeira", "itens excluídos", "itens eliminados", "cestino", "posta eliminata", "prullenbak", "verwijderde items", "papperskorgen",
		"borttagna objekt", "slettet post", "slettede elementer", "roskakori", "poistetut", "kosz", "elementy usunięte", "koš", "odstraněná pošta", "корзина", "удаленные", "кошик", "ゴミ箱", "削除済みアイテム", "已删除邮件", "垃圾桶"}},
	{inventory.RoleJunk, []string{"junk", "spam", "junk e-mail", "junk email", "junk mail", "bulk mail", "spamverdacht", "junk-e-mail", "courrier indésirable", "indésirables", "pourriel", "correo no deseado",
		"lixo eletrônico", "lixo eletrónico", "posta indesiderata", "ongewenste e-mail", "ongewenst", "skräppost", "uønsket e-post", "roskaposti", "wiadomości-śmieci", "nevyžádaná pošta", "спам", "нежелательная почта", "迷惑メール", "垃圾邮件"}},
	{inventory.RoleArchive, []string{"archive", "archives", "archiv", "archivo", "arquivo", "archivio", "archief", "arkiv", "arkisto", "archiwum", "архив", "アーカイブ"}},
}

// guessRoles gives the special roles that the server told of no folder to
// folders with well-known names, the least deep and then the first of the list
// above. It is a guess only about names: nothing is lost when it is wrong.
func guessRoles(folders []inventory.Folder) {
	taken := map[inventory.Role]bool{}
	for _, f := range folders {
		taken[f.Role] = true
	}
	for _, known := range roleNames {
		if taken[known.role] {
			continue
		}
		if i := bestNamed(folders, known.names); i >= 0 {
			folders[i].Role = known.role
		}
	}
}

func bestNamed(folders []inventory.Folder, names []string) int {
	best, bestRank := -1, 0
	for i, f := range folders {
		rank := nameRank(f, names)
		if rank >= 0 && (best < 0 || rank < bestRank) {
			best, bestRank = i, rank
		}
	}
	return best
}

// nameRank is small for good matches, negative for none.
func nameRank(f inventory.Folder, names []string) int {
	depth := len(f.Path)
	if depth > 1 && f.Path[0] == inbox {
		depth--
	}
	if f.Container || f.Role != inventory.RoleNone || depth != 1 {
		return -1
	}
	last := strings.ToLower(f.Path[len(f.Path)-1])
	for i, name := range names {
		if last == name {
			return i*2 + len(f.Path) - 1
		}
	}
	return -1
}
