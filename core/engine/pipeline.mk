# SPDX-License-Identifier: Apache-2.0
libengine_la_SOURCES += \
	core/engine/batch.c core/engine/batch.h \
	core/engine/begin.c core/engine/begin.h \
	core/engine/bell.c core/engine/bell.h \
	core/engine/budget.h \
	core/engine/chain.c core/engine/chain.h \
	core/engine/copier.c core/engine/copier.h \
	core/engine/engine.c core/engine/engine.h \
	core/engine/host.c core/engine/host.h \
	core/engine/inspect.c \
	core/engine/keeper.c core/engine/keeper.h \
	core/engine/lane.c core/engine/lane.h \
	core/engine/out.c core/engine/out.h \
	core/engine/plan.c core/engine/plan.h \
	core/engine/queue.c core/engine/queue.h \
	core/engine/reader.c core/engine/reader.h \
	core/engine/run.c core/engine/run.h \
	core/engine/snapshot.c core/engine/snapshot.h \
	core/engine/start.c core/engine/start.h \
	core/engine/table.c core/engine/table.h \
	core/engine/verify.c core/engine/verify.h \
	core/engine/verify_place.c core/engine/verify_place.h \
	core/engine/writer.c core/engine/writer.h
