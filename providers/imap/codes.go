package imap

import "github.com/cutover-mail/cutover/providers"

// The error codes of this provider.
const (
	codeSignIn         = "imap-sign-in-failed"
	codeToken          = "imap-token-failed"
	codeNoMailbox      = "imap-no-mailbox"
	codeNotNamed       = "imap-account-not-named"
	codeTLS            = "imap-tls"
	codeUnreachable    = "imap-unreachable"
	codeTimeout        = "imap-timeout"
	codeLost           = "imap-connection-lost"
	codeBye            = "imap-server-closed"
	codeUnavailable    = "imap-unavailable"
	codeThrottled      = "imap-throttled"
	codeOverquota      = "imap-overquota"
	codeTooBig         = "imap-too-big"
	codeRefusedMessage = "imap-refused-message"
	codeRefusedFlag    = "imap-refused-flag"
	codeFolderName     = "imap-folder-name-refused"
	codeFolderMissing  = "imap-folder-missing"
	codePermission     = "imap-no-permission"
	codeItemGone       = "imap-message-gone"
	codeUnreadable     = "imap-message-unreadable"
	codeValidity       = "imap-uidvalidity-changed"
	codeProtocol       = "imap-protocol"
	codeRefused        = "imap-refused"
	codeBadID          = "imap-bad-id"
	codeUnsupported    = "imap-unsupported"
)

// Codes explains every code that this provider emits.
func Codes() []providers.Code {
	return append(append(connectionCodes(), storageCodes()...), otherCodes()...)
}

func connectionCodes() []providers.Code {
	return []providers.Code{
		{Code: codeSignIn, Title: "the server refused the sign-in", Cause: "The user name, password, token or master account is not valid for this mailbox, or the way of signing in is switched off.", Fix: "Try the same credentials with a mail program. With master, check that the server allows master users and that the separator is right."},
		{Code: codeToken, Title: "the token command gave no token", Cause: "The program in token.command ended with an error or printed something else.", Fix: "Run the command by hand; it must print one access token, or JSON with access_token."},
		{Code: codeNoMailbox, Title: "there is no such mailbox", Cause: "The server knows no mailbox of this address.", Fix: "Create the account on the server, or map or exclude the recipient."},
		{Code: codeNotNamed, Title: "the settings name no account for this address", Cause: "accounts lists the mailboxes of this endpoint, and this one is not among them.", Fix: "Add a row to accounts, or leave accounts out and use a master account."},
		{Code: codeTLS, Title: "the TLS connection failed", Cause: "The server's certificate is not trusted, has expired, or is for another name; or the port does not speak TLS.", Fix: "Check host, port and security; name the certificate authority in ca_file, or the certificate's name in server_name."},
		{Code: codeUnreachable, Title: "the server cannot be reached", Cause: "The name does not resolve, or nothing listens on that port.", Fix: "Check host and port, the name service and firewalls."},
		{Code: codeTimeout, Title: "the server did not answer in time", Cause: "Nothing came from the server for the time in timeout.", Fix: "Check the load of the server; raise timeout."},
		{Code: codeLost, Title: "the connection was lost", Cause: "The server or the network closed the connection in the middle of a command.", Fix: "Nothing, if it passes: the work is taken up again. If not, look into the server's log."},
		{Code: codeBye, Title: "the server ended the session", Cause: "The server said BYE, for the reason it states.", Fix: "Follow the server's words."},
		{Code: codeUnavailable, Title: "the server is not available", Cause: "The server said that it cannot do this at present.", Fix: "Try again later; look into the server's log."},
		{Code: codeThrottled, Title: "the server asks to slow down", Cause: "Too many connections or requests for the server's limits.", Fix: "Lower max_connections, or raise the limits on the server."},
	}
}

func storageCodes() []providers.Code {
	return []providers.Code{
		{Code: codeOverquota, Title: "the mailbox is full", Cause: "The message does not fit in the mailbox's quota.", Fix: "Raise the quota on the target and run again."},
		{Code: codeTooBig, Title: "the message is larger than the server takes", Cause: "The server limits the size of a message (APPENDLIMIT or a setting).", Fix: "Raise the limit on the target, or waive the message."},
		{Code: codeRefusedMessage, Title: "the server refused the message", Cause: "The server does not accept this content, for the reason it states: NUL bytes or bare line feeds, for example.", Fix: "See the server's words; keep the message in an archive if the target cannot hold it."},
		{Code: codeRefusedFlag, Title: "the server does not keep a flag", Cause: "The folder allows only the keywords it lists (PERMANENTFLAGS).", Fix: "Allow new keywords on the target, or waive the loss."},
		{Code: codeFolderName, Title: "the server refused a folder name", Cause: "The name holds a character that the server does not allow, is too long, or is reserved.", Fix: "Rename the folder on the source, or map it to another name."},
		{Code: codeFolderMissing, Title: "the folder does not exist", Cause: "The folder was deleted or renamed meanwhile.", Fix: "Plan again."},
		{Code: codePermission, Title: "the server does not permit this", Cause: "The account lacks a right on the folder.", Fix: "Grant the right (an access control list), or use another account."},
	}
}

func otherCodes() []providers.Code {
	return []providers.Code{
		{Code: codeItemGone, Title: "the message is gone", Cause: "It was deleted or moved after it had been listed.", Fix: "Nothing: the next run sees the change."},
		{Code: codeUnreadable, Title: "the server cannot read a message", Cause: "The server lists the message but does not give its content, for the reason it states: its file or index is damaged, for example.", Fix: "Repair the mailbox with the tools of the server, or accept the message as lost."},
		{Code: codeValidity, Title: "the server has numbered a folder anew", Cause: "UIDVALIDITY changed between two uses of the folder: it was deleted and made again, or restored.", Fix: "Nothing: the folder is listed again and matched by content."},
		{Code: codeProtocol, Title: "the server's answer makes no sense", Cause: "What came is not valid IMAP, or a proxy answered instead of the server.", Fix: "Check host and port; report the server's name and version."},
		{Code: codeRefused, Title: "the server refused a command", Cause: "The server answered NO or BAD, for the reason it states.", Fix: "Follow the server's words."},
		{Code: codeBadID, Title: "not an ID of this endpoint", Cause: "A folder or message ID that this provider never gave, from a damaged plan or state.", Fix: "Check the state's integrity; plan again."},
		{Code: codeUnsupported, Title: "IMAP cannot do this", Cause: "The endpoint was asked for something that IMAP does not have.", Fix: "Serve that ability from another endpoint."},
	}
}
