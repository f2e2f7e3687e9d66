# mbox files, of Thunderbird or an old Unix server say, move into an IMAP server.
#
#   mail/anna/inbox                 a file, mail/anna/Projects/2026.mbox another
#
# Every folder below mail/ is a mailbox, named by the part before the @.

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

source "archive" "unix" {
  path   = "mail"
  format = "mbox"
  domain = "contoso.test"
}

target "imap" "new" {
  host    = var.host
  port    = var.port
  ca_file = var.ca

  master {
    username = "master"
    password = env("NEW_PASSWORD")
  }
}

migration "import" {
  from             = source.archive.unix
  to               = target.imap.new
  accepted_domains = ["contoso.test"]
}
