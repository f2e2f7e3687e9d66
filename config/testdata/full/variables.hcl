variable "old_host" {
  type    = string
  default = "127.0.0.1"
}

variable "target_password" {
  type      = string
  sensitive = true
  validation {
    condition     = length(var.target_password) > 8
    error_message = "a password has more than eight characters"
  }
}

variable "clouds" {
  type    = map(string)
  default = {}
}

locals {
  cloud  = lookup(var.clouds, "mail", "cloud.${local.top}")
  domain = lower("Contoso.${local.top}")
  top    = "test"
}
