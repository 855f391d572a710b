dnl SPDX-License-Identifier: Apache-2.0
dnl
dnl EZ_PLUGIN(NAME, PC-MODULES, DESCRIPTION): one line per plugin in configure.ac. Auto by default; an explicit
dnl --enable-NAME must succeed. Sets NAME_CFLAGS, NAME_LIBS and the automake conditional PLUGIN_NAME. The name stands
dnl in upper case in all three, with dashes turned into underscores.
AC_DEFUN([EZ_PLUGIN], [
  m4_pushdef([EZ_VAR], m4_translit([$1], [a-z-], [A-Z_]))
  AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$3 (default: auto)])], [], [enable_$1=auto])
  AS_IF([test "x$enable_$1" != xno], [
    m4_ifblank([$2], [enable_$1=yes], [
      PKG_CHECK_MODULES(EZ_VAR, [$2], [ez_have_$1=yes], [ez_have_$1=no])
      AS_CASE([$enable_$1:$ez_have_$1],
        [yes:no], [AC_MSG_ERROR([plugin $1 was asked for but needs: $2])],
        [auto:no], [EZ_NOTE([$1], [no (needs: $2)])])
      AS_IF([test "x$enable_$1" = xauto], [enable_$1=$ez_have_$1])])])
  AM_CONDITIONAL([PLUGIN_]EZ_VAR, [test "x$enable_$1" = xyes])
  AS_IF([test "x$enable_$1" = xyes], [EZ_PLUGINS="$EZ_PLUGINS $1"])
  AC_SUBST([EZ_PLUGINS])
  m4_popdef([EZ_VAR])
])

dnl EZ_REQUIRE(VAR, PC-MODULE, DEBIAN-PACKAGE): stop, and say what to install.
AC_DEFUN([EZ_REQUIRE], [
  PKG_CHECK_MODULES([$1], [$2], [], [AC_MSG_ERROR([$2 is missing (Debian: $3)])])
])

dnl EZ_OPTIONAL(VAR, PC-MODULE, WHAT-IS-LOST): conditional HAVE_VAR, and a line in the summary when it is absent.
AC_DEFUN([EZ_OPTIONAL], [
  PKG_CHECK_MODULES([$1], [$2], [ez_have=yes], [ez_have=no; EZ_NOTE([$2], [not found: $3])])
  AM_CONDITIONAL([HAVE_$1], [test "x$ez_have" = xyes])
])

dnl EZ_CONTROL: conditional CONTROL, whether ezcdc-control is built. Auto by default; an explicit --enable-control must succeed.
AC_DEFUN([EZ_CONTROL], [
  AC_ARG_ENABLE([control], [AS_HELP_STRING([--enable-control], [the control plane (default: auto)])], [], [enable_control=auto])
  ez_control_needs=
  AS_IF([test "x$ez_have_microhttpd" != xyes], [ez_control_needs="$ez_control_needs libmicrohttpd"])
  AS_IF([test "x$ez_have_curl" != xyes], [ez_control_needs="$ez_control_needs libcurl"])
  AM_COND_IF([HAVE_LIBPQ], [], [ez_control_needs="$ez_control_needs libpq"])
  AM_COND_IF([HAVE_CRYPTO], [], [ez_control_needs="$ez_control_needs libcrypto"])
  AS_CASE([$enable_control:$ez_control_needs],
    [no:*], [],
    [*:], [enable_control=yes],
    [yes:*], [AC_MSG_ERROR([the control plane was asked for but needs:$ez_control_needs])],
    [enable_control=no; EZ_NOTE([control plane], [no (needs:$ez_control_needs)])])
  AM_CONDITIONAL([CONTROL], [test "x$enable_control" = xyes])
])

dnl EZ_NOTE(WHAT, TEXT): one line for the summary.
AC_DEFUN([EZ_NOTE], [EZ_NOTES="$EZ_NOTES
    $1: $2"])

dnl EZ_ABI_VERSION(HEADER): the plugin ABI version as the header states it, for the .pc file.
AC_DEFUN([EZ_ABI_VERSION], [
  AC_MSG_CHECKING([plugin ABI version])
  AC_SUBST([EZ_ABI_MAJOR], [`sed -n 's/^.define EZ_ABI_MAJOR  *\([[0-9]][[0-9]]*\).*/\1/p' "$srcdir/$1"`])
  AC_SUBST([EZ_ABI_MINOR], [`sed -n 's/^.define EZ_ABI_MINOR  *\([[0-9]][[0-9]]*\).*/\1/p' "$srcdir/$1"`])
  AS_IF([test -z "$EZ_ABI_MAJOR" || test -z "$EZ_ABI_MINOR"], [AC_MSG_ERROR([$1 does not state EZ_ABI_MAJOR and EZ_ABI_MINOR])])
  AC_MSG_RESULT([$EZ_ABI_MAJOR.$EZ_ABI_MINOR])
])

dnl EZ_PRINT_SUMMARY: what will be built, and what will not and why.
AC_DEFUN([EZ_PRINT_SUMMARY], [
  AS_ECHO(["
  $PACKAGE_STRING, plugin ABI $EZ_ABI_MAJOR.$EZ_ABI_MINOR
    compiler:   $CC $CFLAGS
    warnings:   errors: $enable_werror
    sanitizers: $enable_sanitize
    fuzzing:    $enable_fuzz
    prefix:     $prefix
    plugins in: $plugindir
    plugins:   $EZ_PLUGINS$EZ_NOTES
"])
])
