# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by every check. Sets src (the source tree) and counts complaints; `finish` turns them into the exit code.
# A check works on what git tracks or would track, and in an unpacked tarball on every file that is not generated.

set -u
export LC_ALL=C
src=${EZ_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
cd "$src" || exit 99
complaints=0
skipped=

# files REGEX: paths, relative to the source tree, that match the extended regular expression.
files() {
	{
		if [ -e .git ] && command -v git >/dev/null 2>&1; then
			git -c safe.directory='*' ls-files -co --exclude-standard
		else
			find . \( -path ./.git -o -path ./_build -o -path ./_inst -o -path ./build-aux -o -path ./autom4te.cache \
				-o -path './b' -o -path './b-*' \) -prune -o -type f -print |
				grep -vE '^\./(configure~?|aclocal\.m4|config\.h\.in~?|Makefile\.in|m4/(libtool|lt.*)\.m4)$' | sed 's|^\./||'
		fi
	} | grep -E "$1" | sort -u | while IFS= read -r f; do [ -f "$f" ] && printf '%s\n' "$f"; done
}

# scripts: every shell script, by its name or by its first line.
scripts() {
	files '\.sh$'
	files '(^|/)[^./]+$' | tr '\n' '\0' | xargs -0 -r awk 'FNR == 1 && /^#!.*sh$/ { print FILENAME }'
}

complain() {
	printf '%s\n' "$*"
	complaints=$((complaints + 1))
}

# complain_each PREFIX: one complaint for each line of standard input.
complain_each() {
	local line
	while IFS= read -r line; do
		complain "$1$line"
	done
}

# need TOOL: false, and noted as the reason of a skip, when the tool is missing.
need() {
	command -v "$1" >/dev/null 2>&1 && return 0
	skipped="$1 is not installed"
	return 1
}

finish() {
	if [ "$complaints" -gt 0 ]; then
		echo "$complaints complaints"
		exit 1
	fi
	if [ -n "$skipped" ]; then
		echo "skip: $skipped"
		exit 77
	fi
	exit 0
}
