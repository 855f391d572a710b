#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
#	layout.sh [--write]
#
# The public header only grows: what a plugin of ABI 1.0 was compiled with keeps its place, size, type and value. The truth
# is layout-1.0.txt, made from plugin-1.0.h, the header as it was released. Before the release of a new major version,
# --write makes both anew from the present header.

set -eu
src=${EZ_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
here=$src/tests/abi
header=$src/core/include/ezcdc/plugin.h
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C

layout() { # HEADER
	perl "$here/layout.pl" "$1" >"$tmp/layout.c"
	${CC:-cc} -std=gnu17 -w -o "$tmp/layout" "$tmp/layout.c"
	"$tmp/layout"
}

if [ "${1:-}" = --write ]; then
	cp "$header" "$here/plugin-1.0.h"
	layout "$here/plugin-1.0.h" >"$here/layout-1.0.txt"
	exit 0
fi

# The offsets in the table are those of 64-bit machines; elsewhere only the frozen header can say.
if [ "$(getconf LONG_BIT)" = 64 ]; then
	layout "$here/plugin-1.0.h" >"$tmp/frozen"
	diff -u "$here/layout-1.0.txt" "$tmp/frozen" || { echo "plugin-1.0.h was changed: it must stay as released"; exit 1; }
else
	layout "$here/plugin-1.0.h" >"$tmp/frozen"
fi
layout "$header" >"$tmp/now"

compare() { # FROZEN NOW: one line for each broken promise
	awk -F '\t' '
		function complain(text) { print text; bad = 1 }
		NR == FNR {
			if ($1 == "size") { size[$2] = $3; frozen[$2] = $4 == "frozen" }
			if ($1 == "member") member[$2 "." $3] = $4 FS $5 FS $6
			if ($1 == "value") value[$2] = $3
			next
		}
		{ seen[$1 FS $2 FS ($1 == "member" ? $3 : "")] = 1 }
		$1 == "size" && ($2 in size) {
			if ($3 < size[$2] || (frozen[$2] && $3 != size[$2]))
				complain("struct " $2 ": size was " size[$2] ", is " $3)
		}
		$1 == "member" && (($2 "." $3) in member) && member[$2 "." $3] != $4 FS $5 FS $6 {
			complain("struct " $2 ", " $3 ": was \"" member[$2 "." $3] "\", is \"" $4 FS $5 FS $6 "\"")
		}
		$1 == "member" && !(($2 "." $3) in member) && ($2 in size) && $4 < size[$2] {
			complain("struct " $2 ", " $3 ": new, but not at the end")
		}
		$1 == "value" && ($2 in value) && $3 != value[$2] && $2 != "EZ_ABI_MINOR" {
			complain($2 ": was " value[$2] ", is " $3)
		}
		END {
			for (s in size) if (!(("size" FS s FS) in seen)) complain("struct " s " is gone")
			for (m in member) { split(m, p, "."); if (!(("member" FS p[1] FS p[2]) in seen)) complain("struct " p[1] ", " p[2] " is gone") }
			for (v in value) if (!(("value" FS v FS) in seen)) complain(v " is gone")
			exit bad
		}' "$1" "$2"
}

compare "$tmp/frozen" "$tmp/now" || exit 1

# The comparison itself must see what it is there for.
must_complain() { # WHAT SED-EXPRESSION
	sed -E "$2" "$tmp/frozen" >"$tmp/broken"
	if cmp -s "$tmp/frozen" "$tmp/broken" || compare "$tmp/frozen" "$tmp/broken" >/dev/null; then
		echo "a change was not noticed: $1"
		exit 1
	fi
}
must_complain "a removed member" '/^member\tez_sink\twrite\t/d'
must_complain "a moved member" 's/^(member\tez_sink\twrite\t)[0-9]+/\1999/'
must_complain "another type" 's/^(member\tez_host\tnum\t.*)int64_t/\1int32_t/'
must_complain "a grown frozen struct" 's/^(size\tez_view\t)16/\124/'
must_complain "a shrunk struct" 's/^(size\tez_error\t)[0-9]+/\18/'
must_complain "another value" 's/^(value\tEZ_OP_INSERT\t)[0-9]+/\11/'
must_complain "a member in the middle" 's/^(member\tez_event\tflags\t)/member\tez_event\tinserted\t12\t4\tx\n\1/'
echo "$(wc -l <"$tmp/frozen") promises kept"
