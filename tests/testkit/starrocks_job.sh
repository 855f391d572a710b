# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Jobs into the pretended StarRocks cluster. Behind lib.sh and starrocks.sh, after sr_start.

# sr_job NAME [sink=TEXT] [source=TEXT] [top=TEXT]: a job into database shop. SR_SCHEME=https for front ends with certificates.
sr_job() {
	local name=$1 sink='' rest=() arg fe mysql
	shift
	for arg in "$@"; do
		case $arg in
		sink=*) sink=${arg#*=} ;;
		*) rest+=("$arg") ;;
		esac
	done
	fe=$(printf "\"${SR_SCHEME:-http}://127.0.0.1:%s\", " "${SR_FE[@]}")
	mysql=$(printf '"127.0.0.1:%s", ' "${SR_MYSQL[@]}")
	job "$name" "${rest[@]}" sink_section="sink = {
		plugin = \"starrocks\"; fe = [ ${fe%, } ]; mysql = [ ${mysql%, } ]; user = \"$SR_USER\"; password = \"$SR_PASSWORD\";
		database = \"shop\"; replication_num = 1; $sink };"
}

# sr_equal TABLE...: what is in StarRocks' database shop is what is in the source's schema public.
sr_equal() {
	local table
	for table in "$@"; do
		sr_dump shop "$table" >"$T/have.$table"
		sql "select row_to_json(t) from public.\"$table\" t" >"$T/want.$table"
		python3 "$TESTKIT/starrocks_equal.py" "$T/want.$table" "$T/have.$table" || fail "table $table differs from the source"
	done
}

sr_is_equal() { (sr_equal "$@") >/dev/null 2>&1; }
