dnl SPDX-License-Identifier: Apache-2.0
dnl
dnl All compiler flags of the project end up in EZ_CPPFLAGS, EZ_CFLAGS and EZ_LDFLAGS, never in the user's CFLAGS: so configure's own
dnl tests are not judged by our warnings, and `make CFLAGS=...` keeps its meaning.

dnl EZ_TRY_FLAGS(VAR, FLAGS): append each flag that the compiler accepts.
AC_DEFUN([EZ_TRY_FLAGS], [
  for ez_flag in m4_normalize([$2]); do
    AS_VAR_PUSHDEF([ez_cache], [ez_cv_flag_$ez_flag])
    AC_CACHE_CHECK([whether $CC accepts $ez_flag], [ez_cache], [
      ez_save_CFLAGS=$CFLAGS
      CFLAGS="$CFLAGS -Werror $ez_flag"
      AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([ez_cache], [yes])], [AS_VAR_SET([ez_cache], [no])])
      CFLAGS=$ez_save_CFLAGS])
    AS_VAR_IF([ez_cache], [yes], [$1="$$1 $ez_flag"])
    AS_VAR_POPDEF([ez_cache])
  done
])

dnl EZ_NEED_FLAGS(VAR, FLAGS, WHAT): append all of them, or stop.
AC_DEFUN([EZ_NEED_FLAGS], [
  AC_MSG_CHECKING([whether $CC can link with $2])
  ez_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS $2"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([$3 was asked for, but $CC cannot link with: $2])])
  CFLAGS=$ez_save_CFLAGS
  $1="$$1 $2"
])

AC_DEFUN([EZ_COMPILER_FLAGS], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror],
    [warnings are errors (default: in a git checkout, without sanitizers)])], [], [enable_werror=auto])
  AC_ARG_ENABLE([sanitize], [AS_HELP_STRING([--enable-sanitize=LIST],
    [build with sanitizers: address,undefined or thread])], [], [enable_sanitize=no])
  AC_ARG_ENABLE([fuzz], [AS_HELP_STRING([--enable-fuzz],
    [build the fuzz targets for libFuzzer (clang only)])], [], [enable_fuzz=no])
  AS_IF([test "x$enable_sanitize" = xyes], [enable_sanitize=address,undefined])
  AS_IF([test "x$enable_fuzz" = xyes && test "x$enable_sanitize" = xno], [enable_sanitize=address,undefined])
  AS_IF([test "x$enable_werror" = xauto],
    [AS_IF([test -e "$srcdir/.git" && test "x$enable_sanitize" = xno], [enable_werror=yes], [enable_werror=no])])

  AC_ARG_ENABLE([test-hooks], [AS_HELP_STRING([--enable-test-hooks],
    [let tests end the daemon at named instants; never for production])], [], [enable_test_hooks=no])
  AS_IF([test "x$enable_test_hooks" = xyes],
    [AC_DEFINE([EZ_TEST_HOOKS], [1], [Define to let tests end the daemon at named instants.])])

  EZ_CPPFLAGS= EZ_CFLAGS="-std=gnu17 -pthread -fvisibility=hidden" EZ_LDFLAGS="-pthread"
  EZ_TRY_FLAGS([EZ_CFLAGS], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wconversion
    -Wvla -Wformat=2 -Wundef -Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough -Wredundant-decls
    -Wformat-signedness -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wcast-align=strict
    -Wmissing-variable-declarations -Wthread-safety])

  # Sanitizers enlarge frames and hide facts from the flow analysis: what those two warnings say then is noise.
  AS_IF([test "x$enable_sanitize" = xno],
    [EZ_TRY_FLAGS([EZ_CFLAGS], [-Wnull-dereference -Wstack-usage=8192])
     EZ_TRY_FLAGS([EZ_CFLAGS], [-fstack-protector-strong -fstack-clash-protection -fcf-protection])
     EZ_TRY_FLAGS([EZ_LDFLAGS], [-Wl,-z,relro -Wl,-z,now])
     AS_CASE([" $CPPFLAGS $CFLAGS "], [*_FORTIFY_SOURCE*|*" -O0 "*], [],
       [*" -O"*], [EZ_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"])],
    [EZ_NEED_FLAGS([EZ_CFLAGS], [-fsanitize=$enable_sanitize -fno-sanitize-recover=all -fno-omit-frame-pointer], [--enable-sanitize])
     EZ_LDFLAGS="$EZ_LDFLAGS -fsanitize=$enable_sanitize"])
  AS_IF([test "x$enable_fuzz" = xyes],
    [EZ_NEED_FLAGS([EZ_CFLAGS], [-fsanitize=fuzzer-no-link], [--enable-fuzz])
     AC_SUBST([FUZZ_LDFLAGS], [-fsanitize=fuzzer])])
  AM_CONDITIONAL([FUZZ], [test "x$enable_fuzz" = xyes])
  AS_IF([test "x$enable_werror" = xyes], [EZ_CFLAGS="$EZ_CFLAGS -Werror"])

  # A plugin may leave nothing undefined. clang keeps the sanitizers' functions in the program, so there the check must rest.
  AC_MSG_CHECKING([whether a shared object can be linked with -z defs])
  ez_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS $EZ_CFLAGS -Wno-error -fPIC -shared -Wl,-z,defs"
  AC_LINK_IFELSE([AC_LANG_SOURCE([[int f(int *p); int f(int *p) { return ++*p; }]])],
    [AC_MSG_RESULT([yes])
     AC_SUBST([EZ_Z_DEFS], [-Wl,-z,defs])],
    [AC_MSG_RESULT([no])])
  CFLAGS=$ez_save_CFLAGS
  AC_SUBST([EZ_CPPFLAGS])
  AC_SUBST([EZ_CFLAGS])
  AC_SUBST([EZ_LDFLAGS])
  # Both are set in Makefile.am; naming them here tells automake that they belong to no program.
  AC_SUBST([PLUGIN_LDFLAGS])
  AC_SUBST([TEST_PLUGIN_LDFLAGS])
  AC_SUBST([EZ_SANITIZE], [$enable_sanitize])
])
