#!/bin/bash
# The pilot, the rest, and the proof. OLD_PASSWORD and NEW_PASSWORD are in the
# environment.
set -euo pipefail
cd "$(dirname "$0")"

cutover fmt -check
cutover validate

cutover plan -batch pilot -out pilot.plan
cutover apply pilot.plan

cutover plan -out rest.plan
cutover apply rest.plan

cutover verify
cutover plan -detailed-exitcode # 0: nothing is left to do
cutover report
