# Mail that was exported as .eml files moves into an archive.
#
#   export/anna@contoso.test/INBOX/0001.eml

cutover {
  provider "maildrop" {
    command = ["./cutover-provider-maildrop"]
  }
}

source "maildrop" "export" {
  path = "export"
}

target "archive" "files" {
  path = "archive"
}

migration "export" {
  from             = source.maildrop.export
  to               = target.archive.files
  accepted_domains = ["contoso.test"]

  # What a provider says it cannot carry is waived with a reason, or refused.
  waive "maildrop-flags" {
    reason = "the old server did not export them"
  }
}
