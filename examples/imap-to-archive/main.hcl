# Every mailbox of a server becomes a folder on disk: a Maildir that other
# programs read too. Applied again, it fetches what is new.

variable "host" {
  default = "imap.contoso.test"
}

variable "port" {
  type    = number
  default = null
}

variable "ca" {
  type    = string
  default = null
}

source "imap" "server" {
  host     = var.host
  port     = var.port
  ca_file  = var.ca
  accounts = csvdecode(file("accounts.csv")) # with a password for each

  timeout = "2m"
}

target "archive" "backup" {
  path = "archive"
}

migration "backup" {
  from             = source.imap.server
  to               = target.archive.backup
  accepted_domains = ["contoso.test"]

  # An archive keeps what is deleted on the server.
  sync {
    deletions = "keep"
  }
}
