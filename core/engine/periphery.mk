# SPDX-License-Identifier: Apache-2.0
libengine_la_SOURCES += \
	core/engine/checkpoint.c core/engine/checkpoint.h \
	core/engine/control.c core/engine/control.h \
	core/engine/control_ask.c \
	core/engine/control_http.c core/engine/control_http.h \
	core/engine/dead_letter.c core/engine/dead_letter.h \
	core/engine/exit_code.c core/engine/exit_code.h \
	core/engine/json.c core/engine/json.h \
	core/engine/metrics.c \
	core/engine/notify.c core/engine/notify.h \
	core/engine/report.c core/engine/report.h \
	core/engine/state_dir.c core/engine/state_dir.h \
	core/engine/stats.c core/engine/stats.h \
	core/engine/status.c core/engine/status.h \
	core/engine/store_file.c
