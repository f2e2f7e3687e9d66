# nowhere: error: the configuration has no migration
# nowhere: error: -var names a variable "nmaed" that is not declared
# nowhere: error: -var has no value
variable "none" { # error: the variable "none" has no value
}
variable "number" { # error: the value of CUTOVER_VAR_number does not fit the type of variable "number"
  type = number
}
variable "flag" {
  type    = bool
  default = "perhaps" # error: its default does not fit the type of variable "flag"
}
variable "odd" {
  type      = strnig # error: invalid type specification
  sensitive = 1 # error: "sensitive" takes true or false
  default   = upper("x") # error: function calls not allowed
}
variable "small" { # error: the value of variable "small" is not valid
  default = 1
  validation {
    condition     = var.small > 10
    error_message = "too small"
  }
  validation { # error: validation needs "error_message"
    condition = true
  }
}
variable "named" {
  type = list(string)
}
variable "1st" { # error: "1st" cannot be a name
}
