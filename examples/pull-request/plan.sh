#!/bin/bash
# plan.sh FOLDER: checks the configuration and writes into FOLDER
#
#   cutover.plan  the plan, if it can be applied
#   comment.md    the same for people, also when it has errors
#
# Nothing else is written anywhere, and no server is changed.
set -euo pipefail
out=${1:?name a folder}
mkdir -p "$out"
rm -f "$out/cutover.plan"

cutover fmt -check
cutover validate

code=0
cutover plan -markdown -out "$out/cutover.plan" >"$out/comment.md" || code=$?
[ -s "$out/comment.md" ] || echo "**cutover plan failed.** The log of the job says why." >"$out/comment.md"
exit "$code"
