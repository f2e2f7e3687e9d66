source "imap" "old" {
  host = "127.0.0.1"
}
target "imap" "new" {
  host = "127.0.0.1"
}

migration "contoso" {
  from             = source.imap.old
  to               = target.imap.new
  accepted_domains = ["contoso.test", "@contoso.test", "Contoso.test"] # error: "@contoso.test" is no domain name # error: "contoso.test" stands twice in "accepted_domains"

  include {
    kinds = ["mailbox", "mailboxes"] # error: "mailboxes" is no kind of recipient
    match = ["ann", "*@contoso.test, *@example.org", "[ab]*@contoso.test"] # error: "ann" matches no address # error: "*@contoso.test, *@example.org" matches no address # error: "[ab]*@contoso.test" matches no address
  }
  exclude { # error: this exclude leaves nobody
  }
  map "old@contoso.test" {
    to = "new@contoso.test"
  }
  map "OLD@contoso.test" { # error: old@contoso.test is mapped twice
    to = "newer@contoso.test"
  }
  map "third@contoso.test" {
    to = "new@contoso.test" # error: two addresses are mapped to new@contoso.test
  }
  map "nobody" { # error: "nobody" is no address
    to = "no body@contoso.test" # error: "no body@contoso.test" is no address
  }
  sync {
    every     = "daily" # error: "daily" is no duration
    deletions = "miror" # error: "deletions" cannot be "miror"
  }
  completion {
    phase              = "complete" # error: this version of cutover cannot complete a migration yet
    ignore_sync_errors = "perhaps" # error: "ignore_sync_errors" takes true or false
    mx { # error: mx needs "expect"
      settle = "-1h" # error: "-1h" is no duration
    }
  }
  waive "inbox-rules" {
    reason = " " # error: "reason" is empty
  }
  waive "inbox-rules" { # error: "inbox-rules" is waived twice
    reason = "users recreate them"
  }
  waive "Inbox Rules" { # error: "Inbox Rules" is not the code of a loss # error: waive "Inbox Rules" needs "reason"
  }
  passwords {
    length = 4 # error: "length" is out of range
  }
  report {
    mail {
      smtp = "smtp.contoso.test" # error: "smtp.contoso.test" is no server and port
      from = "Ann <ann@contoso.test>" # error: "Ann <ann@contoso.test>" is no address
      to   = "ops@contoso.test" # error: "to" takes a list of strings
    }
  }
}
