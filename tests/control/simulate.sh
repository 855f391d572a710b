#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fifty played workers hold a hundred jobs while workers vanish, and an instance and PostgreSQL are killed: all jobs run in
# the end, and no lease had two holders. A short run of tests/bench/simulate.

. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"

[ -x "$EZ_BUILD/tests/bench/play" ] || skip "tests/bench/play is not built"
control_catalog
control_config second
control migrate
control_admin
python3 "$EZ_SRC/tests/bench/simulate.py" --folder="$T" --pg-data="$PG_DATA" --workers=50 --jobs=100 --room=5 --calm=2 --trouble=6 \
	--away=2 --kills=1,1,1 --people=10 --hasten --patience=$((20 * SLOW)) | tee "$T/said"
grep -q 'killed PostgreSQL: 1, killed instances: 1' "$T/said" || fail "nothing was killed"
