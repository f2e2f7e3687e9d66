# Read by the scripts beside it.
# api METHOD PATH [curl arguments]: asks the API of GitHub or GitLab. The token
# reaches curl through a pipe, so that it is in no process list.
api() {
  local method=$1 path=$2 base header
  shift 2
  if [ -n "${CI_PROJECT_ID:-}" ]; then
    base=${CI_API_V4_URL:-https://gitlab.com/api/v4} header="PRIVATE-TOKEN: $GITLAB_TOKEN"
  else
    base=${GITHUB_API_URL:-https://api.github.com} header="Authorization: Bearer $GITHUB_TOKEN"
  fi
  curl --silent --show-error --fail --location --retry 3 --request "$method" \
    --header 'Content-Type: application/json' --config <(printf 'header = "%s"\n' "$header") "$@" "$base$path"
}
