source "imap" "old" {
  host = "127.0.0.1"
}
target "imap" "new" {
  host = "127.0.0.1"
}

migration "contoso" {
  from = source.imap.old
  to   = target.imap.new

  batch "pilot" {
    members = ["ann@contoso.test", "Ann@Contoso.test", "bob"] # warning: ann@contoso.test is named twice in batch "pilot" # error: "bob" is no address
    after   = ["first", "rset"] # error: there is no batch "first" to wait for # error: there is no batch "rset" to wait for
  }
  batch "second" {
    members = ["ann@contoso.test"] # error: ann@contoso.test is in batch "pilot" and in batch "second"
    after   = ["third"] # error: batch "second" waits for itself
  }
  batch "third" {
    match = ["c*@contoso.test"]
    after = ["second"]
  }
  batch "rest" {
    everyone_else = true
  }
  batch "more" { # error: nobody is left for batch "more"
    everyone_else = true
  }
  batch "empty" { # error: nobody is in batch "empty"
    members = []
  }
  batch "rest" { # error: a second batch "rest"
  }
  batch "self" {
    match = ["d*@contoso.test"]
    after = ["self"] # error: batch "self" waits for itself
  }
  batch "null" {
    members = ["e@contoso.test", null] # error: "members" takes a list of strings without null
  }
}
