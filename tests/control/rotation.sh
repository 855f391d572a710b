#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Keys change under load: two instances with key ring files of their own, while datasources and jobs are made, edited and polled
# at both. No request fails, every configuration has its secret, and afterwards the old keys are thrown away.

. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"

control_catalog
control_start main
control_config second
sed -i "s|$CONTROL_DIR/keyring|$CONTROL_DIR/keyring-second|" "$CONTROL_DIR/second.conf"
cp -p "$CONTROL_DIR/keyring" "$CONTROL_DIR/keyring-second"
control_start second
control_admin
python3 "$EZ_SRC/tests/control/rotation.py"

# Instances that have never known the old keys.
control_stop main
control_stop second
: >"$T/control-main/log"
control_start main
python3 "$EZ_SRC/tests/control/rotation.py" read
if grep -q 'cannot be opened' "$T/control-main/log"; then fail "a secret cannot be opened"; fi
