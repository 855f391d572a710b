#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The examples of docs/worker-protocol.md against the real server.

. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"

control_catalog
control_start
control_admin
python3 "$EZ_SRC/tests/control/vectors.py"
control_stop main
