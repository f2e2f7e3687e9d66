source "imap" "old" {
  host = "127.0.0.1" port = 143 # error: missing newline after argument
}
