# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Throw-away PostgreSQL clusters. Sourced; needs $T, a folder that the caller removes, and calls `skip REASON` when a
# server version cannot be had.
#
#   pg_start [-n NAME] [-m MAJOR] [-E ENCODING] [-L LOCALE] [setting=value]...
#   pg_use NAME          point PGHOST, PGPORT and the functions below at that cluster
#   pg_stop [fast|immediate|smart], pg_restart [setting=value]..., pg_reload
#   pg_conninfo [DB [USER]]
#
# A cluster listens on a free port of 127.0.0.1 and on a socket in its own folder, trusts everyone, does not fsync, and is
# run by an unprivileged user when we are root. It is ended by the pid that started it.

declare -A PG_PIDS=() PG_PORTS=() PG_BINS=() PG_RUNNING=()
PG_NAME=

_pg_testkit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# pg_as COMMAND...: run it as the user of the servers.
pg_as() {
	if [ "$(id -u)" != 0 ]; then
		"$@"
		return
	fi
	local user=nobody
	if id postgres >/dev/null 2>&1; then user=postgres; fi
	setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups env HOME=/tmp "$@"
}

# pg_free_port: a port of the loopback address that nobody listens on right now.
pg_free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

pg_use() {
	PG_NAME=$1
	PG_DATA=$T/pg-$1
	PG_PORT=${PG_PORTS[$1]}
	export PGHOST=127.0.0.1 PGPORT=$PG_PORT PGUSER=postgres PGDATABASE=postgres
}

pg_conninfo() {
	echo "host=127.0.0.1 port=$PG_PORT dbname=${1:-$PGDATABASE} user=${2:-postgres}"
}

pg_start() {
	local name=main major=${EZ_PG:-15} encoding=UTF8 locale=C.UTF-8 opt OPTIND=1
	while getopts n:m:E:L: opt; do
		case $opt in
		n) name=$OPTARG ;;
		m) major=$OPTARG ;;
		E) encoding=$OPTARG ;;
		L) locale=$OPTARG ;;
		*) return 1 ;;
		esac
	done
	shift $((OPTIND - 1))
	local bin why
	if ! bin=$("$_pg_testkit/fetch_pg.sh" "$major" 2>"$T/fetch.err"); then
		why=$(tail -n 1 "$T/fetch.err")
		skip "${why:-PostgreSQL $major is not to be had}"
	fi
	PG_BINS[$name]=$bin
	local data=$T/pg-$name
	mkdir -p "$data"
	if [ "$(id -u)" = 0 ]; then
		chown "$(pg_as id -u)" "$data"
	fi
	pg_as "$bin/initdb" -N -A trust -U postgres -E "$encoding" --locale="$locale" -D "$data" >"$T/initdb-$name.log" 2>&1 || {
		cat "$T/initdb-$name.log" >&2
		return 1
	}
	cat >>"$data/postgresql.conf" <<-CONF
		listen_addresses = '127.0.0.1'
		unix_socket_directories = '$data'
		wal_level = logical
		fsync = off
		full_page_writes = off
		shared_buffers = '128MB'
		max_wal_senders = 40
		max_replication_slots = 40
		max_wal_size = '2GB'
		wal_sender_timeout = '60s'
		jit = off
		logging_collector = off
		log_line_prefix = '%m [%p] '
		lc_messages = 'C'
		timezone = 'UTC'
	CONF
	_pg_settings "$data" "$@"
	local try
	for try in 1 2 3 4 5; do
		PG_PORTS[$name]=$(pg_free_port)
		_pg_launch "$name" && break
		[ "$try" = 5 ] && return 1
	done
	pg_use "$name"
}

_pg_settings() {
	local data=$1 setting
	shift
	for setting in "$@"; do
		printf '%s = %s\n' "${setting%%=*}" "'${setting#*=}'" >>"$data/postgresql.conf"
	done
}

# _pg_launch NAME: start the server and wait until it answers. False if it ended by itself, as when the port was taken.
_pg_launch() {
	local name=$1 data=$T/pg-$1 bin=${PG_BINS[$1]} port=${PG_PORTS[$1]} deadline=$((SECONDS + 60))
	pg_as "$bin/postgres" -D "$data" -p "$port" >>"$T/pg-$name.log" 2>&1 </dev/null &
	PG_PIDS[$name]=$!
	PG_RUNNING[$name]=1
	until PGCONNECT_TIMEOUT=5 psql -XqAt -h "$data" -p "$port" -U postgres -d postgres -c 'select 1' >/dev/null 2>&1; do
		if ! kill -0 "${PG_PIDS[$name]}" 2>/dev/null; then
			wait "${PG_PIDS[$name]}" || true
			unset "PG_RUNNING[$name]"
			return 1
		fi
		if [ "$SECONDS" -ge "$deadline" ]; then
			echo "PostgreSQL does not answer" >&2
			tail -n 20 "$T/pg-$name.log" >&2
			exit 1
		fi
		sleep 0.05
	done
}

# pg_signal NAME SIGNAL: to the server itself; what stands between it and us ends with it.
pg_signal() {
	local pid
	pid=$(head -n 1 "$T/pg-$1/postmaster.pid" 2>/dev/null) || pid=${PG_PIDS[$1]}
	kill "-$2" "$pid" 2>/dev/null
}

# pg_stop [MODE]: returns when the server is gone; false when it took more than $EZ_STOP_WITHIN (30) seconds, and then it
# was stopped the hard way.
pg_stop() {
	local name=$PG_NAME signal=INT deadline=$((SECONDS + ${EZ_STOP_WITHIN:-30})) slow=0
	case ${1:-fast} in
	immediate) signal=QUIT ;;
	smart) signal=TERM ;;
	esac
	[ -n "${PG_RUNNING[$name]:-}" ] || return 0
	pg_signal "$name" "$signal" || true
	while kill -0 "${PG_PIDS[$name]}" 2>/dev/null; do
		if [ "$SECONDS" -ge "$deadline" ] && [ "$slow" = 0 ]; then
			slow=1
			pg_signal "$name" QUIT || true
		fi
		sleep 0.05
	done
	wait "${PG_PIDS[$name]}" 2>/dev/null || true
	unset "PG_RUNNING[$name]"
	return "$slow"
}

# pg_boot: start a stopped cluster again, on the port it had.
pg_boot() {
	local try
	for try in 1 2 3 4 5; do
		_pg_launch "$PG_NAME" && break
		[ "$try" = 5 ] && return 1
		sleep 0.3
	done
	pg_use "$PG_NAME"
}

pg_restart() {
	pg_stop fast
	_pg_settings "$PG_DATA" "$@"
	pg_boot
}

pg_reload() {
	_pg_settings "$PG_DATA" "$@"
	pg_signal "$PG_NAME" HUP
}

# pg_standby NAME [setting=value]...: make a standby of the current cluster, which must be stopped; start it with pg_boot.
pg_standby() {
	local name=$1 data=$T/pg-$1 from=$PG_NAME port=$PG_PORT
	shift
	cp -a "$T/pg-$from" "$data"
	pg_as touch "$data/standby.signal"
	echo "primary_conninfo = 'host=127.0.0.1 port=$port user=postgres dbname=postgres'" >>"$data/postgresql.conf"
	_pg_settings "$data" "unix_socket_directories=$data" "$@"
	PG_BINS[$name]=${PG_BINS[$from]}
	PG_PORTS[$name]=$(pg_free_port)
	pg_use "$name"
}

# pg_cleanup: end every cluster, however it fares.
pg_cleanup() {
	local name
	for name in "${!PG_RUNNING[@]}"; do
		pg_signal "$name" QUIT || true
	done
	for name in "${!PG_RUNNING[@]}"; do
		wait "${PG_PIDS[$name]}" 2>/dev/null || true
	done
}
