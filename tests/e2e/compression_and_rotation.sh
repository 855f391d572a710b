#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
#
# Files are cut by size and age, at transaction ends, and are compressed; cut back after a kill they are still sound.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

need_tool gzip zstd
pg_start
sql "create table t (id int primary key, v text)" "insert into t select i, md5(i::text) from generate_series(1, 3000) i"
for how in none gzip zstd; do
	step "$how"
	job c_$how source='tables = [ "public.t" ];' top='batch = { max_age = "20ms"; };' \
		sink="compression = \"$how\"; rotate_bytes = \"16KiB\";"
	run c_$how --until=now
	start c_$how
	await_streaming c_$how
	for i in 1 2 3 4 5 6; do
		before=$(lsn)
		sql "insert into t select max(id) + g, md5(g::text) from t, generate_series(1, 400) g group by g" "update t set v = '$how $i' where id % 100 = $i"
		await_confirmed c_$how "$before"
		if [ "$i" = 3 ]; then
			kill9 c_$how
			sound c_$how >/dev/null
			start c_$how
			await_streaming c_$how
		fi
	done
	sound c_$how --part
	stop c_$how
	run c_$how --until=now
	verify c_$how
	suffix=$(case $how in none) ;; gzip) echo .gz ;; zstd) echo .zst ;; esac)
	n=$(find "$T/c_$how/out" -maxdepth 1 -name "c_$how-t*.jsonl$suffix" | wc -l)
	[ "$n" -ge 3 ] || fail "$n stream files: $(ls -l "$T/c_$how/out")"
	[ -z "$(find "$T/c_$how/out" -maxdepth 1 -type f ! -name "*.jsonl$suffix")" ] || fail "$(ls "$T/c_$how/out")"
done
[ "$(cat "$T"/c_zstd/out/*-t* | wc -c)" -lt "$(($(cat "$T"/c_none/out/*-t* | wc -c) / 2))" ] || fail "zstd compresses nothing"

step "by age, with nothing more to come"
job aged source='tables = [ "public.t" ];' sink='rotate_age = "300ms";' top='batch = { max_age = "10ms"; };'
run aged --until=now
start aged
await_streaming aged
sql "update t set v = 'aged' where id = 1"
await 10 "the file to be complete" bash -c "ls $T/aged/out/aged-t*.jsonl >/dev/null 2>&1"
grep -h aged "$T"/aged/out/aged-t*.jsonl | grep -q '"v":"aged"' || fail "the change is not in the file"
stop aged
run aged --until=now
verify aged
