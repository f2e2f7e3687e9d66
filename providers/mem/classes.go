package mem

import "github.com/cutover-mail/cutover/inventory"

var classes = map[inventory.Ability]inventory.Class{
	inventory.Mail:      inventory.ClassMessage,
	inventory.Calendars: inventory.ClassEvent,
	inventory.Contacts:  inventory.ClassContact,
	inventory.Tasks:     inventory.ClassTask,
	inventory.Notes:     inventory.ClassNote,
}

var formats = map[inventory.Class]inventory.Format{
	inventory.ClassMessage: inventory.FormatRFC5322,
	inventory.ClassEvent:   inventory.FormatICalendar,
	inventory.ClassTask:    inventory.FormatICalendar,
	inventory.ClassNote:    inventory.FormatICalendar,
	inventory.ClassContact: inventory.FormatVCard,
}
