#!/bin/bash
# fetch-plan.sh COMMIT FOLDER: puts into FOLDER the plan that was reviewed in the
# request by which COMMIT came into the main branch: the artifact of that
# request's last commit. Fails when there is none; nothing is planned anew.
set -euo pipefail
. "$(dirname "$0")/api.sh"
commit=${1:?name a commit} out=${2:?name a folder}
mkdir -p "$out"
rm -f "$out/cutover.plan"

none() { echo "no reviewed plan: $*" >&2; exit 1; }

github() {
  local head id
  head=$(api GET "/repos/$GITHUB_REPOSITORY/commits/$commit/pulls" | jq -r '[.[] | select(.merged_at)][0].head.sha // empty')
  [ -n "$head" ] || none "$commit did not come by a pull request"
  id=$(api GET "/repos/$GITHUB_REPOSITORY/actions/artifacts?name=cutover-plan-$head&per_page=100" |
    jq -r --arg head "$head" '[.artifacts[] | select((.expired | not) and .workflow_run.head_sha == $head)] | sort_by(.created_at) | last | .id // empty')
  [ -n "$id" ] || none "the pull request of $commit has none for its last commit $head, or it has expired"
  api GET "/repos/$GITHUB_REPOSITORY/actions/artifacts/$id/zip" --output "$out/plan.zip"
  unzip -o -q "$out/plan.zip" cutover.plan -d "$out"
  rm "$out/plan.zip"
}

gitlab() {
  local head job
  head=$(api GET "/projects/$CI_PROJECT_ID/repository/commits/$commit/merge_requests" | jq -r '[.[] | select(.state == "merged")][0].sha // empty')
  [ -n "$head" ] || none "$commit did not come by a merge request"
  job=$(api GET "/projects/$CI_PROJECT_ID/repository/commits/$head/statuses?name=plan&per_page=100" |
    jq -r '[.[] | select(.status == "success")] | sort_by(.id) | last | .id // empty')
  [ -n "$job" ] || none "the merge request of $commit has no successful job plan for its last commit $head"
  api GET "/projects/$CI_PROJECT_ID/jobs/$job/artifacts/out/cutover.plan" --output "$out/cutover.plan"
}

if [ -n "${CI_PROJECT_ID:-}" ]; then gitlab; else github; fi
