package demo

// What the generated mail is made of: names and sentences in several scripts,
// so that encodings are seen to survive.
var (
	people = []person{
		{"Anna Berg", "anna.berg"},
		{"Björn Ångström", "bjorn.angstrom"},
		{"Chloé Lefèvre", "chloe.lefevre"},
		{"Dmitri Sokolov", "dmitri.sokolov"},
		{"Eleni Papadopoulou", "eleni.papadopoulou"},
		{"Facilities", "facilities"},
		{"Hiroshi Tanaka", "hiroshi.tanaka"},
		{"Jürgen Müller", "juergen.mueller"},
		{"María Núñez", "maria.nunez"},
		{"Sales", "sales"},
		{"Tomáš Dvořák", "tomas.dvorak"},
		{"Wei Zhang", "wei.zhang"},
	}
	projects = []string{"Kunde Müller & Söhne", "Q3 Budget", "Migration", "Büroumzug", "プロジェクト", "Проект Север", "R&D + Patents"}
	subjects = []string{
		"Agenda for Thursday", "Offer 2024-118", "Rückfrage zum Vertrag", "Compte rendu de la réunion", "Minutes",
		"会議の件", "Счёт за март", "Invoice attached", "Vacaciones en agosto", "Lunch?", "Door code changed",
		"Release notes", "Angebot für die neue Heizung", "Travel to Prague", "Contract, final version", "Your feedback, please",
	}
	greetings = []string{"Hi", "Hello all", "Liebe Kolleginnen und Kollegen", "Bonjour", "Hola", "Dear team", "こんにちは"}
	sentences = []string{
		"The figures for the quarter are in the sheet.", "Please look at page four before the meeting.",
		"Die Unterlagen liegen im Projektordner.", "Können wir das auf nächste Woche verschieben?",
		"J'ai relu le document, il manque une annexe.", "We agreed on the second option, with the longer notice period.",
		"The customer asked for a discount of 3 %.", "Могу прислать новую версию завтра.", "資料を添付しました。",
		"No se ha recibido todavía la confirmación.", "The room is booked from 10:00 to 11:30.", "I have put the contract into the archive.",
		"Who takes care of the badge for the new colleague?", "Thanks for the quick answer.", "The old printer goes back on Friday.",
	}
	attachments = []string{"offer.pdf", "plan.xlsx", "photo.jpg", "minutes.docx", "drawing.dwg"}
)
