# SPDX-License-Identifier: Apache-2.0
#
# Configuration and plugin loading.

libengine_la_SOURCES += \
	core/engine/cfg.h core/engine/config.c \
	core/engine/config_grammar.c core/engine/config_grammar.h \
	core/engine/config_lex.c core/engine/config_lex.h \
	core/engine/config_scan.c core/engine/config_scan.h \
	core/engine/elf_check.c core/engine/elf_check.h \
	core/engine/job.c core/engine/job.h \
	core/engine/job_options.c core/engine/job_options.h \
	core/engine/loader.c core/engine/loader.h \
	core/engine/option_value.c core/engine/option_value.h \
	core/engine/options.c core/engine/options.h \
	core/engine/plugin_check.c core/engine/plugin_check.h \
	core/engine/plugin_list.c core/engine/plugin_list.h \
	core/engine/problems.c core/engine/problems.h \
	core/engine/secret_ref.c core/engine/secret_ref.h
