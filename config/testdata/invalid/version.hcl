# nowhere: error: the configuration has no migration
cutover {
  required_version = "newest" # error: "newest" is no version constraint
  state "sqlite" {
    path = "" # error: "path" is empty
  }
}
