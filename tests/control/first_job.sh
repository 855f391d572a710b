#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A job's whole life through the API, with a worker that the test plays.

. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"

control_catalog
control_start
control_admin
python3 "$EZ_SRC/tests/control/first_job.py"
control_stop main
