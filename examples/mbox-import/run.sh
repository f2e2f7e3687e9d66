#!/bin/bash
# Imports mail/. NEW_PASSWORD is in the environment.
set -euo pipefail
cd "$(dirname "$0")"

cutover plan -out import.plan
cutover apply import.plan
cutover verify
