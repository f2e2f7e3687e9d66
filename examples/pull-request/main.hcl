# The migration of a repository in which every change is reviewed. Put your
# own endpoints here; the workflows need none of their names.

variable "source_password" {
  sensitive = true
}

variable "target_password" {
  sensitive = true
}

cutover {
  required_version = ">= 0.1"

  # Outside the checkout, on the disk of the one machine that plans and applies.
  state "sqlite" {
    path = "/var/lib/cutover/contoso.cutover.db"
  }
}

source "imap" "old" {
  host     = "imap.old.contoso.test"
  accounts = csvdecode(file("accounts.csv"))

  master {
    username = "migrator"
    password = var.source_password
  }
}

target "imap" "new" {
  host = "imap.contoso.test"

  master {
    username = "migrator"
    password = var.target_password
    mode     = "authzid"
  }
}

migration "contoso" {
  from             = source.imap.old
  to               = target.imap.new
  accepted_domains = ["contoso.test"]

  batch "pilot" {
    members = ["anna.berg@contoso.test"]
  }

  batch "rest" {
    everyone_else = true
    after         = ["pilot"]
  }
}
