migraton "contoso" { # error: a configuration has no block "migraton"
}
colour = "blue" # error: a configuration has no argument "colour"
cutover {
  state "sqlite" {
    path = "a.db"
  }
  state "sqlite" { # error: a second state block in cutover
    path = "b.db"
  }
  state { # error: block "state" takes 1 label, not 0
  }
  telemetry = true # error: cutover has no argument "telemetry"
  required_version {} # error: cutover has no block "required_version"
  provider "two words" { # error: "two words" cannot be a name
  }
  provider "acme" {
    command = [] # error: the command is empty
  }
  provider "acme" { # error: a second provider "acme"
  }
}
cutover { # error: a second cutover block in a configuration
}
source "imap" { # error: block "source" takes 2 labels, not 1
}
source "imap" "old" {
  host = "127.0.0.1"
}
source "imap" "old" { # error: a second source "imap" "old"
}
locals {
  a = 1
  inner { # error: locals has no block "inner"
  }
}
locals {
  a = 2 # error: a second local value "a"
}
variable "x" {
  default = 1
}
variable "x" { # error: a second variable "x"
}
target "imap" "new" {
  host = "127.0.0.1"
}
migration "one" {
  from = source.imap.old
  to   = target.imap.new
  sync = "24h" # error: migration "one" has no argument "sync"
  inclde { # error: migration "one" has no block "inclde"
  }
}
migration "two" { # error: a second migration # error: migration "two" needs "from" # error: migration "two" needs "to"
}
