#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# deploy/aws/ezcdc-drain against the metadata of an instance that does not exist.

. "$(dirname "$0")/../testkit/lib.sh"
need_tool curl
export PYTHONPATH=$EZ_SRC/tests/control
python3 "$EZ_SRC/tests/control/drain.py"
