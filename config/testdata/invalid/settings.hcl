source "imap" "old" { # error: source "imap" "old" needs "host"
  port            = "imaps" # error: "port" takes a number
  security        = "ssl" # error: "security" cannot be "ssl"
  allow_plaintext = "maybe" # error: "allow_plaintext" takes true or false
  namespaces      = { a = "b" } # error: "namespaces" takes a list of strings
  timeout         = "2d" # error: "2d" is no duration
  accounts        = ["ann@contoso.test"] # error: "accounts" takes a list of rows, as csvdecode returns it, with strings in them
  create          = true # error: a source has no "create"
  max_conections  = 3 # error: source "imap" "old" has no argument "max_conections"
  master { # error: master needs "password" # error: master needs "username"
    username = null
  }
  master { # error: a second master block in source "imap" "old"
  }
}
source "sink" "wrong" { # error: provider "sink" cannot be a source
}
source "imapp" "typo" { # error: there is no provider "imapp"
}
target "imap" "new" {
  host     = "127.0.0.1"
  password = "planted-literal" # warning: "password" stands in the file in clear text
  accounts = "all" # error: "accounts" takes a list of rows, as csvdecode returns it
}
target "acme" "calendars" { # error: there is no provider "acme"
}
migration "contoso" {
  from = source.imap.old
  to   = []  # error: "to" is empty
}
