# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by tests/run and demo/run: the Debian packages that EZ-CDC needs, and how a fresh machine gets them.

# To build everything and to run it against a PostgreSQL of one's own.
EZ_DEPS_DEMO=(
	gcc libc6-dev make autoconf automake libtool pkg-config
	libconfig-dev libcurl4-openssl-dev libjansson-dev libltdl-dev
	libpq-dev libssl-dev libzstd-dev zlib1g-dev
	libmicrohttpd-dev libjs-bootstrap5 libjs-chart.js
	libmariadb-dev
	postgresql jq procps
)

# To test it as well. The runtime of clang's sanitizers is found by version, see ez_missing.
EZ_DEPS_TESTS=(
	"${EZ_DEPS_DEMO[@]}"
	abigail-tools check chromium clang clang-tidy curl liblz4-dev g++ git pmccabe shellcheck mandoc valgrind npm python3 xz-utils zstd
)

ez_has_package() {
	case $1 in
	# Any server will do, the distribution's own or another.
	postgresql) compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null && return 0 ;;
	# Brings PostgreSQL in the versions that Debian does not carry. It need not be Debian's.
	npm) command -v npm >/dev/null 2>&1 && return 0 ;;
	esac
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# ez_missing demo|tests: names the packages that are not installed.
ez_missing() {
	local package wanted
	if [ "$1" = demo ]; then wanted=("${EZ_DEPS_DEMO[@]}"); else wanted=("${EZ_DEPS_TESTS[@]}"); fi
	for package in "${wanted[@]}"; do
		ez_has_package "$package" || printf '%s\n' "$package"
	done
	if [ "$1" = tests ] && command -v clang >/dev/null 2>&1; then
		package=libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev
		ez_has_package "$package" || ! apt-cache show "$package" >/dev/null 2>&1 || printf '%s\n' "$package"
	fi
}

# Quiet when it works; apt's own words when it does not.
ez_apt_get() {
	local as_root=() said
	if [ "$(id -u)" -ne 0 ]; then
		as_root=(sudo)
		[ -t 2 ] || as_root=(sudo -n)
	fi
	said=$("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" 2>&1) && return 0
	tail -n 20 <<<"$said" >&2
	return 1
}

# ez_install_missing demo|tests: says what is missing and installs it. False if that did not work.
ez_install_missing() {
	local round missing
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "this is not Debian: install the counterparts of the packages in tests/deps.sh yourself"
		return 0
	fi
	# Twice: the second round brings what depends on a version that the first one installed.
	for round in 1 2; do
		mapfile -t missing < <(ez_missing "$1")
		[ "${#missing[@]}" -gt 0 ] || return 0
		echo "installing Debian packages: ${missing[*]}"
		if ! ez_apt_get install -y --no-install-recommends "${missing[@]}"; then
			[ "$round" = 1 ] || break
			ez_apt_get update
			ez_apt_get install -y --no-install-recommends "${missing[@]}" || break
		fi
	done
	mapfile -t missing < <(ez_missing "$1")
	[ "${#missing[@]}" -eq 0 ] && return 0
	echo "could not install: ${missing[*]}" >&2
	return 1
}
