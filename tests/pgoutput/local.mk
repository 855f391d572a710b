# SPDX-License-Identifier: Apache-2.0

include tests/pgoutput/stream.mk
include tests/pgoutput/sql.mk
