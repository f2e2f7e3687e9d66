#!/bin/bash
# Moves export/ into archive/ through the provider in this folder.
set -euo pipefail
cd "$(dirname "$0")"

cutover plan -out export.plan
cutover apply export.plan
cutover verify
