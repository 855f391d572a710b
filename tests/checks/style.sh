#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The house rules that a machine can judge: no // comments, no banned functions, files of at most 600 lines, functions of at
# most 100 lines and complexity 15, where a whole switch counts as one decision. tests/checks/style-allow names the exceptions, each with its reason.

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

sources='^(core|plugins|agent|control|tests|demo)/.*\.[ch]$'

complain_each "" < <(files "$sources" | perl -e '
	my @allow;
	open(my $fh, "<", "tests/checks/style-allow") or die "tests/checks/style-allow: $!\n";
	while (<$fh>) { push @allow, [$1, $2] if m{^(\w+)\s+(\S+)\s+\S}; }
	sub allowed {
		my ($rule, $file) = @_;
		return grep { $_->[0] eq $rule && ($_->[1] =~ m{/$} ? index($file, $_->[1]) == 0 : $file eq $_->[1]) } @allow;
	}
	my $banned = join "|", qw(strcpy strcat sprintf vsprintf strncpy strncat strtok gets atoi atol atoll atof strerror exit
		getenv dup alloca setjmp longjmp strtol strtoul strtoll strtoull strtod snprintf vsnprintf);
	while (my $f = <STDIN>) {
		chomp $f;
		open(my $c, "<", $f) or next;
		local $/;
		my $text = <$c> // "";
		close $c;
		my $lines = ($text =~ tr/\n//);
		print "$f: $lines lines, the ceiling is 600\n" if $lines > 600 && !allowed("length", $f);
		# Blank out comments and literals, keeping the line count, so that only code is judged.
		$text =~ s{(/\*.*?\*/)|("(?:\\.|[^"\\\n])*")|(\x27(?:\\.|[^\x27\\\n])*\x27)}{my $t = $1 // ($2 ? "\"\"" : "0"); my $n = ($t =~ tr/\n//); $1 ? "\n" x $n || " " : $t}gse;
		my $n = 0;
		for my $line (split /\n/, $text) {
			$n++;
			print "$f:$n: // comment\n" if $line =~ m{//} && !allowed("comment", $f);
			next if $line =~ /^\s*#/;
			while ($line =~ /(?<![\w.>])($banned)\s*\(/g) {
				print "$f:$n: $1() is banned\n" unless allowed($1, $f);
			}
		}
		# open() and openat() may span lines: look at the whole call.
		while ($text =~ /(?<![\w.>])(open|openat)\s*(\((?:[^()]|(?2))*\))/g) {
			my ($call, $args, $at) = ($1, $2, $-[0]);
			next if $args =~ /O_CLOEXEC|\bflags\b/ || $args !~ /\bO_[A-Z]+/;
			my $line = 1 + (substr($text, 0, $at) =~ tr/\n//);
			print "$f:$line: $call() without O_CLOEXEC\n" unless allowed("cloexec", $f);
		}
	}')

if need pmccabe; then
	complain_each "" < <(files "$sources" | grep '\.c$' | tr '\n' '\0' | xargs -0 -r pmccabe 2>/dev/null | awk '
		BEGIN {
			while ((getline line < "tests/checks/style-allow") > 0) {
				split(line, w, /[ \t]+/)
				if (w[1] == "function") allow[w[2]] = 1
			}
		}
		{ file = $6; sub(/\(.*/, "", file) }
		($1 > 15 || $5 > 100) && !((file ":" $NF) in allow) {
			print $6 " " $NF "(): complexity " $1 " of 15, " $5 " lines of 100"
		}')
fi
finish
