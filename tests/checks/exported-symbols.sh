#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every plugin that configure enabled was built, exports `ez_plugin` and nothing else, and leaves no symbol unresolved:
# plugins are bound at load, and a symbol that only the program could provide would tie them to one version of it.

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

build=${EZ_BUILD:-$PWD}
for name in ${EZ_PLUGINS:-}; do
	[ -n "$(files "^plugins/$name/.*\.c$")" ] || continue
	so=$build/plugins.d/$name.so
	[ -e "$so" ] || { complain "$name: enabled, but $so was not built"; continue; }
	exported=$(nm -D --defined-only "$so" | awk '{ print $NF }' | sort | tr '\n' ' ')
	[ "$exported" = "ez_plugin " ] || complain "$name: exports '$exported', expected 'ez_plugin '"
	[ "${EZ_SANITIZE:-no}" = no ] || continue
	complain_each "$name: " < <(ldd -r "$so" 2>&1 | grep -E 'undefined symbol|not found')
done
finish
