#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# clang-tidy with the list of .clang-tidy over everything that is installed. It takes minutes, hence only with --long.

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

[ -n "${EZ_TEST_LONG:-}" ] || { echo "skip: only with --long"; exit 77; }
read -ra libraries <<<"${EZ_CFLAGS:-$(pkg-config --cflags libpq)}"
flags=(-std=gnu17 -DHAVE_CONFIG_H '-DEZ_PLUGINDIR=""' '-DEZ_PORTALDIR=""' -I"${EZ_BUILD:-.}" -I. -Icore -Icore/include -Iplugins "${libraries[@]}")

if need clang-tidy; then
	complain_each "" < <(files '^(core|plugins|agent|control)/.*\.c$' |
		xargs -r -P "$(nproc)" -I FILE clang-tidy --quiet FILE -- "${flags[@]}" 2>/dev/null |
		grep -E '(warning|error): ')
fi
finish
