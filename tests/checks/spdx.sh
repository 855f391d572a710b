#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every source, script and build file names its licence within its first five lines.

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

complain_each "" < <({ files '(\.(c|h|mk|m4|ac|am|sql|js|css|html|py)|^bootstrap)$'; scripts; } | sort -u | tr '\n' '\0' | xargs -0 awk '
	function judge() { if (file != "" && !found) print file ": no SPDX line" }
	FNR == 1 { judge(); file = FILENAME; found = 0 }
	FNR <= 5 && /SPDX-License-Identifier: Apache-2.0/ { found = 1 }
	END { judge() }' /dev/null)
finish
