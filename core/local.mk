# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += dbmazz ezcdc

dbmazz_SOURCES = core/dbmazz.c core/load.c core/load.h
dbmazz_LDADD = libengine.la libbase.la

ezcdc_SOURCES = core/cli.c core/load.c core/load.h \
	core/cli/cli.h \
	core/cli/daemon_commands.c \
	core/cli/job_commands.c \
	core/cli/options.c \
	core/cli/show.c core/cli/show.h \
	core/cli/top.c \
	core/cli/verify.c
ezcdc_LDADD = libengine.la libbase.la
