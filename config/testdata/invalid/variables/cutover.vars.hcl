named = ["a"]
smal  = 3 # warning: no variable "smal" is declared
block { # error: a file of variables has no block "block"
}
