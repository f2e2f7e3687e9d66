#!/bin/bash
# apply.sh FOLDER: does exactly what FOLDER/cutover.plan says. cutover refuses it
# if anything that was reviewed has moved since; then open a pull request anew.
#
# Ends as cutover does: 0 done, 1 error or refused, 3 some items or mailboxes
# failed, 4 stopped.
set -euo pipefail
out=${1:?name a folder}

code=0
cutover apply "$out/cutover.plan" || code=$?
case $code in
0 | 3 | 4) cutover report -directory "$(realpath "$out")/reports" ;; # a run there was
esac
exit "$code"
