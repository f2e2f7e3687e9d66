# Mailboxes move from one IMAP server to another, a pilot first.

variable "old_host" {
  default = "imap.old.contoso.test"
}

variable "new_host" {
  default = "imap.contoso.test"
}

# The standard ports by default; null leaves it to the provider.
variable "old_port" {
  type    = number
  default = null
}

variable "new_port" {
  type    = number
  default = null
}

# The certificate authority, where it is not one of the system's.
variable "old_ca" {
  type    = string
  default = null
}

variable "new_ca" {
  type    = string
  default = null
}

source "imap" "old" {
  host     = var.old_host
  port     = var.old_port
  ca_file  = var.old_ca
  accounts = csvdecode(file("accounts.csv"))

  # Dovecot: auth_master_user_separator = *, and a passdb with master = yes.
  master {
    username = "master"
    password = env("OLD_PASSWORD")
  }

  # What a user of the old server would not miss.
  folders {
    exclude = ["Trash", "Junk"]
  }
}

target "imap" "new" {
  host    = var.new_host
  port    = var.new_port
  ca_file = var.new_ca

  # The master states in SASL PLAIN for whom it signs in.
  master {
    username = "master"
    password = env("NEW_PASSWORD")
    mode     = "authzid"
  }

  max_connections = 4
}

migration "contoso" {
  from             = source.imap.old
  to               = target.imap.new
  accepted_domains = ["contoso.test"]

  # Anna has married.
  map "anna.berg@contoso.test" {
    to = "anna.lind@contoso.test"
  }

  batch "pilot" {
    members = ["wei.zhang@contoso.test"]
  }

  batch "rest" {
    everyone_else = true
    after         = ["pilot"]
  }

  report {
    directory = "reports"
  }
}
