#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The faults of starrocks_faults.sh on a version without transactions over tables: the label protocol outlives them.

EZ_PROFILES=3.3 exec bash "$(dirname "$0")/starrocks_faults.sh"
