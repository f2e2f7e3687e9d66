cutover {
  required_version = ">= 0.1, < 2"
  state "sqlite" {
    path = "contoso.cutover.db"
  }
  provider "acme" {
    command = ["./cutover-provider-acme"]
  }
  provider "imap" {
    isolate = true
  }
}

source "imap" "old" {
  host     = var.old_host
  port     = 11143
  security = "none"
  accounts = csvdecode(file("accounts.csv"))
  timeout  = "30s"
  master {
    username  = "master"
    password  = env("SRC_MASTER")
    separator = "*"
  }
}

target "imap" "mail" {
  host     = "imap.${local.cloud}"
  password = var.target_password
}

target "acme" "calendars" {
  url = "https://dav.${local.cloud}"
  directory "ldap" {
    base = "dc=contoso,dc=test"
  }
  rule {
    allow = ["a", "b"]
  }
  rule {
    allow = [for n in [1, 2] : "n${n}"]
  }
}

migration "contoso" {
  from             = source.imap.old
  to               = [target.imap.mail, target.acme.calendars]
  accepted_domains = [local.domain, "Example.org"]

  include {
    kinds = ["mailbox", "group", "contact"]
    match = ["*@${local.domain}"]
  }
  exclude {
    match = ["test-*@contoso.test"]
  }
  map "Old.Name@contoso.test" {
    to = "new.name@contoso.test"
  }

  batch "pilot" {
    members = csvdecode(file("pilot.csv"))[*].EmailAddress
  }
  batch "rest" {
    everyone_else = true
    after         = ["pilot"]
  }

  sync {
    every     = "24h"
    deletions = "keep"
  }
  completion {
    phase              = "sync"
    ignore_sync_errors = false
    mx {
      expect = ["mx.cloud.test"]
      settle = "24h"
    }
  }
  waive "inbox-rules" {
    reason = "users recreate them"
  }
  passwords {
    length      = 20
    must_change = true
  }
  report {
    directory = "reports"
    mail {
      smtp = "smtp.contoso.test:587"
      from = "cutover@contoso.test"
      to   = ["ops@contoso.test"]
    }
  }
}
