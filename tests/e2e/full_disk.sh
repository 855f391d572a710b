#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The sink's disk is full: shown, retried, and the job goes on when there is room. The state folder's disk is full or read-only:
# exit 74. Nothing is lost either way.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

[ "$(id -u)" = 0 ] || skip "only root can mount a small disk"
pg_start
sqlf <<'SQL'
create table t (id int primary key, v text);
insert into t select i, 'x' from generate_series(1, 100) i;
SQL
job disk source='tables = [ "public.t" ];' top='batch = { max_age = "10ms"; };'
mkdir -p "$T/disk/out" "$T/disk/state"
AT_EXIT+=("umount -l $T/disk/out $T/disk/state 2>/dev/null")
mount -t tmpfs -o size=2m none "$T/disk/out" 2>/dev/null || skip "a tmpfs cannot be mounted here"

step "the sink's disk"
run disk --until=now
start disk
await_streaming disk
sql "insert into t select i, repeat('y', 200) from generate_series(101, 20000) i"
before=$(lsn)
sql "insert into t values (0, 'next')"
await 20 "the error to be shown" grep -qiE 'space|ENOSPC' "$T/disk/log"
sleep 1
alive disk || fail "a full disk of the sink ended the job: $(last_line disk)"
slot_is disk "confirmed_flush_lsn < '$before'" || fail "something was confirmed that could not be written"
status disk "s['last_error']" | grep -qi 'space' || fail "status does not show it: $(status disk "s['last_error']")"
mount -o remount,size=64m "$T/disk/out"
await_confirmed disk "$before" 60
stop disk
verify disk

step "the state folder's disk"
cp -a "$T/disk/state" "$T/saved"
mount -t tmpfs -o size=64k none "$T/disk/state"
cp -a "$T/saved/." "$T/disk/state/"
start disk
await_streaming disk
dd if=/dev/zero of="$T/disk/state/fill" bs=1k count=100 2>/dev/null || true
sql "insert into t values (50001, 'z')"
reap disk 30
expect_exit disk 74 'space|state'
rm "$T/disk/state/fill"
run disk --until=now
verify disk

step "a read-only state folder"
mount -o remount,ro "$T/disk/state"
sql "insert into t values (50002, 'z')"
try disk --until=now
[ "$RC" = 73 ] || [ "$RC" = 74 ] || fail "ended with $RC: $(last_line disk)"
grep -qi 'read-only\|state' <<<"$(last_line disk)" || fail "$(last_line disk)"
mount -o remount,rw "$T/disk/state"
run disk --until=now
verify disk
