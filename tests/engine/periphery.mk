# SPDX-License-Identifier: Apache-2.0
TESTS += tests/engine/man-options.sh
EXTRA_DIST += tests/engine/man-options.sh
