# SPDX-License-Identifier: Apache-2.0
if PLUGIN_AGENT
plugin_LTLIBRARIES += agent.la
AGENT_SOURCES = \
	agent/http.c agent/http.h \
	agent/link.c agent/link.h \
	agent/link_identity.c agent/link_identity.h \
	agent/link_post.c agent/link_post.h \
	agent/protocol.c agent/protocol.h \
	agent/samples.c agent/samples.h
agent_la_SOURCES = agent/agent.c $(AGENT_SOURCES)
agent_la_CFLAGS = $(PLUGIN_CFLAGS) $(AGENT_CFLAGS)
agent_la_LDFLAGS = $(PLUGIN_LDFLAGS)
agent_la_LIBADD = libbase.la $(AGENT_LIBS)
dist_man_MANS += agent/ezcdc-agent.7
endif
