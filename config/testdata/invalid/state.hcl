# nowhere: error: the configuration has no migration
cutover {
  required_version = ">= 3" # error: this is cutover 0.1.0, and the configuration asks for >= 3
  state "postgres" { # error: this version keeps no state in "postgres"
    url = "postgres://db.contoso.test/cutover"
  }
}
