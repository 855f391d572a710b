#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Malformed, oversized, unauthenticated, cross-site and over-privileged requests to every endpoint.

. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"

control_catalog
control_start
control_admin
python3 "$EZ_SRC/tests/control/refusals.py"
control_stop main
