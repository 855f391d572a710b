#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# starrocks_killed.sh on a version without transactions over tables: target and source end up equal.

EZ_PROFILES=3.3 exec bash "$(dirname "$0")/starrocks_killed.sh"
