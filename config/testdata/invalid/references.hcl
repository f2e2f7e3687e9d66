variable "password" {
  default = "x"
}
locals {
  domain = "contoso.test"
  one    = local.two # error: the local value "one" needs itself
  two    = "${local.three}!"
  three  = local.one
  mine   = local.mine # error: the local value "mine" needs itself
  all    = local # error: a reference needs the name of a local value
}
source "imap" "old" {
  host     = var.pasword # error: there is no variable "pasword"
  username = local.domian # error: there is no local value "domian"
  password = source.imap.old.password # error: an endpoint is not a value
  security = none # error: there is nothing named "none" here
  timeout  = uper("30s") # error: call to unknown function
  port     = upper(143, 2) # error: too many function arguments
}
target "imap" "new" {
  host     = file("missing.txt") # error: there is no file "missing.txt"
  password = env("NOT_SET") # error: the environment variable NOT_SET is not set
  username = "a${[1]}" # error: invalid template interpolation value
}
migration "contoso" {
  from = source.imap.odl # error: there is no source source.imap.odl
  to   = [target.imap.new, source.imap.old, "target.imap.new", target.imap.new, target[0]] # error: source.imap.old is a source, and a target is needed here # error: a reference to an endpoint is needed here # error: target.imap.new stands twice in "to" # error: there is no target target[...]
}
