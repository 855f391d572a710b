#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Who may include whom. The rules stand in tests/include-rules; the longest path that matches a file is its rule.

# shellcheck source=tests/checks/lib.sh
. "$(dirname "$0")/lib.sh"

complain_each "" < <(files '^(core|plugins|agent|control|tests)/.*\.[ch]$' | perl -e '
	my (%libc, @rules);
	open(my $fh, "<", "tests/include-rules") or die "tests/include-rules: $!\n";
	while (<$fh>) {
		s/#.*//;
		my ($path, $own, $third) = map { [split] } split /\|/;
		next unless $path && @$path;
		if ($path->[0] eq "libc") { $libc{$_} = 1 for @$own; next; }
		push @rules, { path => $path->[0], own => $own, third => $third // [] };
	}
	@rules = sort { length $b->{path} <=> length $a->{path} } @rules;
	sub listed {
		my ($h, @list) = @_;
		return grep { $_ eq "*" || $_ eq $h || (m{/$} && index($h, $_) == 0) } @list;
	}
	while (my $f = <STDIN>) {
		chomp $f;
		my ($dir) = $f =~ m{^(.*/)};
		my ($rule) = grep { my $p = $_->{path}; $p =~ m{/$} ? index($f, $p) == 0 : $f eq $p } @rules;
		print "$f: no rule in tests/include-rules\n" and next unless $rule;
		open(my $c, "<", $f) or next;
		while (<$c>) {
			next unless m{^\s*#\s*include\s*([<"])([^>"]+)[>"]};
			my ($quote, $h) = ($1, $2);
			next if $h eq "config.h";
			my ($ours) = grep { -e $_ } $quote eq "\"" ? "$dir$h" : (), map { "$_$h" } qw(core/ core/include/ plugins/ tests/), "";
			if (defined $ours) {
				1 while $ours =~ s{[^/]+/\.\./}{};
				next if index($ours, $dir) == 0 || listed($h, @{$rule->{own}});
				print "$f:$.: may not include $h\n";
				next;
			}
			if ($quote eq "\"") {
				# Tests look into folders that their own fragment names.
				print "$f:$.: there is no $h\n" unless listed($h, @{$rule->{own}});
				next;
			}
			next if $libc{$h} || $h =~ m{^(sys|arpa|net|netinet|linux)/};
			print "$f:$.: third-party header $h is not for this file\n" unless listed($h, @{$rule->{third}});
		}
	}')
finish
