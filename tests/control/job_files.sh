#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Job files that the control plane writes, read by the real programs.

. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"

[ -x "$EZ_BUILD/ezcdc" ] || skip "ezcdc is not built"
control_catalog
control_start
control_admin
python3 "$EZ_SRC/tests/control/job_files.py"
control_stop main
