# SPDX-License-Identifier: Apache-2.0
#
# The scheduler of ezcdc-worker.

noinst_LTLIBRARIES += libscheduler.la
libscheduler_la_SOURCES = \
	core/scheduler/adopt.c \
	core/scheduler/agent.c core/scheduler/agent.h \
	core/scheduler/ask.c core/scheduler/ask.h \
	core/scheduler/children.c core/scheduler/children.h \
	core/scheduler/commands.c \
	core/scheduler/internal.h \
	core/scheduler/jobs_dir.c core/scheduler/jobs_dir.h \
	core/scheduler/limits.c core/scheduler/limits.h \
	core/scheduler/process.c core/scheduler/process.h \
	core/scheduler/record.c core/scheduler/record.h \
	core/scheduler/refuse.c core/scheduler/refuse.h \
	core/scheduler/ring.c core/scheduler/ring.h \
	core/scheduler/scheduler.c core/scheduler/scheduler.h \
	core/scheduler/settings.c core/scheduler/settings.h \
	core/scheduler/tasks.c core/scheduler/tasks.h \
	core/scheduler/unit.c core/scheduler/unit.h \
	core/scheduler/unit_rules.c core/scheduler/unit_rules.h \
	core/scheduler/unit_ask.c core/scheduler/unit_ask.h \
	core/scheduler/unit_start.c core/scheduler/unit_start.h \
	core/scheduler/want.c core/scheduler/want.h \
	core/scheduler/watch.c core/scheduler/watch.h
libscheduler_la_LIBADD = libengine.la libbase.la

bin_PROGRAMS += ezcdc-worker
ezcdc_worker_SOURCES = core/worker.c core/load.c core/load.h
ezcdc_worker_LDADD = libscheduler.la libengine.la libbase.la
