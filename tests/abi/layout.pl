# SPDX-License-Identifier: Apache-2.0
#
#	perl layout.pl HEADER
#
# Writes a C program that prints the layout of the public header: one line for each struct (size, and whether it is frozen),
# each member (offset, size, declaration), each enumerator and each constant. Tabs separate.
use strict;
use warnings;

local $/;
open(my $fh, "<", $ARGV[0]) or die "$ARGV[0]: $!\n";
my $text = <$fh>;
my %frozen = map { $_ => 1 } $text =~ m{/\*[\s*]*FROZEN\.(?:(?!\*/).)*\*/\s*struct (\w+)}gs;
$text =~ s{/\*.*?\*/}{}gs;

print qq{#include <stdio.h>\n#include "$ARGV[0]"\n};
print "#define M(s, m, text) printf(\"member\\t\" #s \"\\t\" #m \"\\t%zu\\t%zu\\t%s\\n\", offsetof(struct s, m), ";
print "sizeof(((struct s *)0)->m), text)\n";
print "int main(void)\n{\n";
while ($text =~ /^struct (\w+) (\{((?:[^{}]|(?2))*)\});/gm) {
	my ($name, $body) = ($1, $3);
	printf "printf(\"size\\t%s\\t%%zu\\t%s\\n\", sizeof(struct %s));\n", $name, $frozen{$name} ? "frozen" : "grows", $name;
	$body =~ s/union \{[^{}]*\}/union pointers/g;
	for my $decl (split /;/, $body) {
		$decl =~ s/\s+/ /g;
		$decl =~ s/^ | $//g;
		next unless length $decl;
		(my $quoted = $decl) =~ s/(["\\])/\\$1/g;
		my @names = $decl =~ /\(\*(\w+)\)/ ? ($1) : map { /(\w+) ?(?:\[.*\])?$/ } split /,/, $decl;
		print "M($name, $_, \"$quoted\");\n" for @names;
	}
}
while ($text =~ /^enum(?: \w+)? \{(.*?)\}/gms) {
	my $body = $1;
	print "printf(\"value\\t$1\\t%lld\\n\", (long long)$1);\n" while $body =~ /\b(EZ_\w+)\b(?=\s*[=,]|\s*$)/g;
}
while ($text =~ /^#define (EZ_(?:ABI_MAJOR|ABI_MINOR|MAGIC|ROW_UNKNOWN|CAP_\w+))\s/gm) {
	print "printf(\"value\\t$1\\t%lld\\n\", (long long)$1);\n";
}
print "return 0;\n}\n";
