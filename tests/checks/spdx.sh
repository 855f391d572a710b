#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every source, script and build file names its licence within its first five lines.

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

while IFS= read -r f; do
	[ -s "$f" ] || continue
	head -n 5 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || complain "$f: no SPDX line"
done < <(files '(\.(c|h|mk|m4|ac|am|sql|js|css|html|py)|^bootstrap)$'; scripts)
finish
