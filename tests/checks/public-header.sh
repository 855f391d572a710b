#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The public header compiles by itself, and twice, in every language that authors of plugins use, and holds no padding: a
# member added where padding was would look present in an older build.

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

header=core/include/ezcdc/plugin.h
[ -e "$header" ] || { skipped="there is no $header"; finish; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
printf '#include <ezcdc/plugin.h>\n#include <ezcdc/plugin.h>\n' >"$tmp/t.c"
cp "$tmp/t.c" "$tmp/t.cc"

try() { # COMPILER STANDARD FILE
	command -v "$1" >/dev/null 2>&1 || { skipped="$1 is not installed"; return; }
	if ! "$1" -std="$2" -Icore/include -Wall -Wextra -Wpedantic -Wpadded -Werror -fsyntax-only "$3" >"$tmp/log" 2>&1; then
		complain "$1 -std=$2 does not accept $header:"
		head -n 20 "$tmp/log"
	fi
}

for cc in gcc clang; do
	for std in c99 c11 c17; do
		try "$cc" "$std" "$tmp/t.c"
	done
done
try g++ c++11 "$tmp/t.cc"
try clang++ c++11 "$tmp/t.cc"
finish
