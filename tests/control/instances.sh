#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Two instances over one catalog.

. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"

control_catalog
control_start main second
control_admin
python3 "$EZ_SRC/tests/control/instances.py"
control_stop second
