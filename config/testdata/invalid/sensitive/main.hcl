variable "secret" {
  sensitive = true
  default   = "planted-default"
}
locals {
  derived = upper(var.secret)
}
source "imap" "old" {
  host = "127.0.0.1"
}
target "imap" "new" {
  host = "127.0.0.1"
}

migration "contoso" {
  from             = source.imap.old
  to               = target.imap.new
  accepted_domains = ["${var.secret}.test"] # error: "accepted_domains" would show a sensitive value
  map "old@contoso.test" {
    to = "${env("SRC_MASTER")}@contoso.test" # error: "to" would show a sensitive value
  }
  batch "pilot" {
    members = split(",", local.derived) # error: "members" would show a sensitive value
    after   = [parseint(var.secret, 10)] # error: invalid function argument
  }
}
