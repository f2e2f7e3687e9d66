#!/bin/bash
# comment.sh FILE: posts FILE as a comment of the pull or merge request, in place
# of the one it posted before.
#
#   GitHub: GITHUB_TOKEN, GITHUB_REPOSITORY, PULL_REQUEST
#   GitLab: GITLAB_TOKEN, CI_PROJECT_ID, CI_MERGE_REQUEST_IID
set -euo pipefail
. "$(dirname "$0")/api.sh"

mark='<!-- cutover plan -->'
body=$(mktemp)
trap 'rm -f "$body"' EXIT
jq -Rs --arg mark "$mark" '{body: ($mark + "\n" + .)}' "${1:?name a file}" >"$body"

if [ -n "${CI_PROJECT_ID:-}" ]; then
  list="/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"
  one="$list" update=PUT
else
  list="/repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments"
  one="/repos/$GITHUB_REPOSITORY/issues/comments" update=PATCH
fi

id=
for ((page = 1; page <= 50; page++)); do
  comments=$(api GET "$list?per_page=100&page=$page")
  id=$(jq -r --arg mark "$mark" '[.[] | select(.body | startswith($mark)) | .id][0] // empty' <<<"$comments")
  if [ -n "$id" ] || [ "$(jq length <<<"$comments")" = 0 ]; then break; fi
done

if [ -n "$id" ]; then
  api "$update" "$one/$id" --data-binary "@$body" >/dev/null
else
  api POST "$list" --data-binary "@$body" >/dev/null
fi
