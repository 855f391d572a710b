# SPDX-License-Identifier: Apache-2.0

include tests/engine/config.mk
include tests/engine/pipeline.mk
include tests/engine/periphery.mk
