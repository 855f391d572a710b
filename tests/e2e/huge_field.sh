#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
#
# One field of 200 MB, in the copy and in the stream, with a budget of 64 MiB: it passes, alone, at three times its size at most.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

mb=20
if [ "$LONG" = 1 ]; then mb=200; fi
pg_start
sql "create table t (id int primary key, v text)" "alter table t alter v set storage external"
sql "insert into t select 1, repeat('0123456789abcdef', $mb * 65536)" "insert into t values (2, 'small')"
job huge source='tables = [ "public.t" ];'
run huge --until=now
start huge
await_streaming huge 60
idle=$(awk '/^VmHWM/ { print $2 }' "/proc/${JOB_PID[huge]}/status")
sql "insert into t select 3, repeat('fedcba9876543210', $mb * 65536)"
before=$(lsn)
sql "insert into t values (4, 'after')"
await_confirmed huge "$before" 120
peak=$(awk '/^VmHWM/ { print $2 }' "/proc/${JOB_PID[huge]}/status")
echo "a field of $mb MB: idle $idle kB, peak $peak kB"
if [ "${EZ_SANITIZE:-no}" = no ]; then
	[ $((peak - idle)) -le $(((mb * 3 + 64 + 16) * 1024)) ] || fail "grew by $((peak - idle)) kB"
fi
stop huge
run huge --until=now
verify huge
