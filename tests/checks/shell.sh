#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every script of the tree passes shellcheck.

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

if need shellcheck; then
	complain_each "" < <(scripts | tr '\n' '\0' | xargs -0 -r shellcheck -x -f gcc -e SC1091,SC2015,SC2119,SC2120,SC2317)
fi
finish
