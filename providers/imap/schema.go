package imap

import "github.com/cutover-mail/cutover/providers"

func schema() providers.Schema {
	return providers.Schema{
		Attributes: append(connectionAttributes(), accountAttributes()...),
		Blocks: []providers.Block{
			{Name: "master", Help: "One account that may open every mailbox.", Schema: masterSchema()},
			{Name: "token", Help: "Sign in with OAuth 2 access tokens that a command prints.", Schema: tokenSchema()},
			{Name: "folders", Help: "Which folders take part.", Schema: foldersSchema()},
		},
	}
}

func connectionAttributes() []providers.Attribute {
	return []providers.Attribute{
		{Name: "host", Type: providers.TypeString, Required: true, Help: "Name or address of the server."},
		{Name: "port", Type: providers.TypeNumber, Help: "TCP port.", Default: "993 with tls, else 143"},
		{Name: "security", Type: providers.TypeString, Default: "tls", Allowed: []string{"tls", "starttls", "none"},
			Help: "How the connection is protected. \"none\" is refused for hosts that are not loopback, unless allow_plaintext is set."},
		{Name: "allow_plaintext", Type: providers.TypeBool, Default: "false", Help: "Lets security = \"none\" send mail and passwords unprotected over a network."},
		{Name: "ca_file", Type: providers.TypeString, Help: "PEM file of the certificates to trust instead of the system's.", Default: "the system's"},
		{Name: "server_name", Type: providers.TypeString, Help: "Name that the server's certificate must have.", Default: "host"},
		{Name: "max_connections", Type: providers.TypeNumber, Default: "3", Help: "Connections open at once, from 1 to 100."},
		{Name: "timeout", Type: providers.TypeDuration, Default: "1m", Help: "How long the server may stay silent; five times as long while messages are read or stored."},
		{Name: "settle", Type: providers.TypeDuration, Default: "3s", Roles: []providers.Role{providers.Target}, Help: "How long a folder must stay unchanged after a lost connection before its messages are looked up: a server goes on storing what it had received."},
		{Name: "prefix", Type: providers.TypeString, Help: "Prefix of the user's folders (\"INBOX.\").", Default: "what the server says (NAMESPACE)"},
	}
}

func accountAttributes() []providers.Attribute {
	return []providers.Attribute{
		{Name: "accounts", Type: providers.TypeRows, Help: "The mailboxes: address, and optionally username, password, display_name. A target without it opens any address through master, token or password."},
		{Name: "username", Type: providers.TypeString, Default: "{address}", Help: "Sign-in name where an account has none; {address}, {local} and {domain} stand for the parts of its address."},
		{Name: "password", Type: providers.TypeString, Secret: true, Help: "Password of the accounts that have none of their own."},
		{Name: "auth", Type: providers.TypeString, Default: "auto", Allowed: authNames(),
			Help: "How to sign in. \"auto\" takes a token if there is one, else PLAIN where the server offers it, else LOGIN."},
	}
}

func masterSchema() providers.Schema {
	return providers.Schema{Attributes: []providers.Attribute{
		{Name: "username", Type: providers.TypeString, Required: true, Help: "Name of the master account."},
		{Name: "password", Type: providers.TypeString, Required: true, Secret: true, Help: "Its password."},
		{Name: "mode", Type: providers.TypeString, Default: "separator", Allowed: []string{"separator", "authzid"},
			Help: "\"separator\" signs in as user*master, \"authzid\" states the user in SASL PLAIN."},
		{Name: "separator", Type: providers.TypeString, Default: "*", Help: "What stands between the user and the master account."},
	}}
}

func tokenSchema() providers.Schema {
	return providers.Schema{Attributes: []providers.Attribute{
		{Name: "command", Type: providers.TypeStrings, Required: true,
			Help: "Program and arguments, run without a shell. It prints an access token, or JSON with access_token and expires_in. {address} and {username} in an argument stand for the account; CUTOVER_ADDRESS and CUTOVER_USERNAME are in its environment."},
		{Name: "shared", Type: providers.TypeBool, Default: "false", Help: "One token serves every account."},
	}}
}

func foldersSchema() providers.Schema {
	return providers.Schema{Attributes: []providers.Attribute{
		{Name: "exclude", Type: providers.TypeStrings, Help: "Folders to leave out, with everything below them: \"Trash\", \"Lists/*\"; * stands for any characters but \"/\"."},
	}}
}
