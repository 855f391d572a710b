# SPDX-License-Identifier: Apache-2.0
#
# What is installed for authors of plugins: one header and one .pc file.

ezincludedir = $(includedir)/ezcdc
dist_ezinclude_HEADERS = core/include/ezcdc/plugin.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = core/ezcdc-plugin.pc
