#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Nothing in the tree belongs to one machine: no home or work folders, no host names of package registries or mirrors.

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

folders='(^|[^A-Za-z0-9_.$}])/(work|farm|Users|home/[a-z]+)/'
hosts='"resolved": *"http|https?://[a-z0-9.-]*(registry|mirror|proxy|repo1?|deb|index|static|packages)\.[a-z]'

complain_each "" < <(files . | tr '\n' '\0' | xargs -0 -r grep -nIE "$folders|$hosts" /dev/null)
finish
