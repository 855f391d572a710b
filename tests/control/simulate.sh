#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Played workers hold jobs while workers vanish, and instances and PostgreSQL are killed: all jobs run in the end, and no
# lease had two holders. A short run of tests/bench/simulate; with --long six hundred workers and more of everything.

. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"

[ -x "$EZ_BUILD/tests/bench/play" ] || skip "tests/bench/play is not built"
size=(--workers=50 --jobs=100 --room=5 --calm=2 --trouble=6 --away=2 "--kills=1,1,1")
killed='killed PostgreSQL: 1, killed instances: 1'
if [ "$LONG" = 1 ]; then
	size=(--workers=600 --jobs=1200 --room=4 --calm=10 --trouble=100 --away=30 "--kills=6,5,3")
	killed='killed PostgreSQL: 3, killed instances: 5'
fi
control_catalog max_connections=200
control_config second
control migrate
control_admin
python3 "$EZ_SRC/tests/bench/simulate.py" --folder="$T" --pg-data="$PG_DATA" "${size[@]}" --people=10 --hasten \
	--patience=$(((20 + 40 * LONG) * SLOW)) | tee "$T/said"
grep -q "$killed" "$T/said" || fail "nothing was killed"
