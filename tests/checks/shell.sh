#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every script of the tree passes shellcheck, one call each, which is much quicker than all in one. It does not follow `.`, so it
# cannot judge whether a variable is set or used elsewhere (SC2034, SC2154) or a function is called from there (SC2119, SC2120,
# SC2317).

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

if need shellcheck; then
	complain_each "" < <(scripts | tr '\n' '\0' |
		xargs -0 -r -n 1 -P 2 shellcheck -f gcc -e SC1091,SC2015,SC2034,SC2119,SC2120,SC2154,SC2317)
fi
finish
