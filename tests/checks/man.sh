#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every manual page is well-formed mdoc.

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

if need mandoc; then
	complain_each "" < <(files '^(core|plugins|agent|control|docs)/.*\.[1578]$' | tr '\n' '\0' |
		xargs -0 -r mandoc -T lint -W warning 2>&1)
fi
finish
