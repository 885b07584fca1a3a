# SPDX-License-Identifier: MIT
# Debian's perl-base: 24 kB, hashes, regular expressions, fork, pipes, signals, sprintf, local files.
seq 1 5000 >n
cat >p.pl <<'E'
use strict; use warnings; use POSIX (); use List::Util qw(sum max);
open my $f, '<', 'n' or die; my %h; while (<$f>) { chomp; push @{$h{length $_}}, $_ } close $f;
print "$_: ", scalar @{$h{$_}}, " ", sum(@{$h{$_}}), "\n" for sort keys %h;
my $text = join ' ', map { $_ * $_ } 1 .. 30; (my $u = $text) =~ s/(\d)(\d\d)\b/$2-$1/g; print "$u\n"; print join('|', $text =~ /\b(\d*4)\b/g), "\n";
my $pid = fork; if (!$pid) { print STDOUT ''; POSIX::_exit(3) } waitpid $pid, 0; print 'child ', $? >> 8, "\n";
pipe my $r, my $w; if (!($pid = fork)) { close $r; print $w "line $_\n" for 1 .. 800; close $w; POSIX::_exit(0) } close $w; my $c = 0; $c += length while <$r>; waitpid $pid, 0; print "read $c\n";
$SIG{USR1} = sub { print "usr1\n" }; kill USR1 => $$; $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select undef, undef, undef, 10; }; print "caught $@";
print `sort -rn n | head -n 2`; printf "%s %05.2f %b %e\n", 'x', 2.5, 10, 1234.5; print sprintf('%vd', '1.22.333'), "\n";
my @s = sort { $b <=> $a } map { ($_ * 7919) % 1009 } 1 .. 1000; print "@s[0 .. 4] ", max(@s), "\n"; local $, = ','; print reverse(1 .. 5); print "\n";
opendir my $d, '/etc' or die; print grep { /^(passwd|group)$/ } sort readdir $d; print "\n"; print -e 'n' ? 'there' : 'not', -s 'n', "\n"; unlink 'n'; print -e 'n' ? 'there' : 'gone', "\n"; exec 'echo', 'replaced', '-' x 5;
E
perl p.pl; perl -ne 'print if m{^root:}' /etc/passwd; perl -e 'die "end\n"'; echo $?
