#!/usr/bin/perl
# A client of nnlaws in Perl: it reads calls from standard input, and writes what they return.
#
# Each operation is a function of named arrays that returns named arrays: %operations has them. An array is
# {dtype, shape, values}, its numbers in one row. The protocol is in docs/protocol.md of nnlaws.

use strict;
use warnings;
use List::Util qw(max sum);

my %operations = (softmax => \&softmax);
my %types = (float32 => 'f<*', float64 => 'd<*', int64 => 'q<*', bool => 'C*');

sub softmax {
    my ($given) = @_;
    my $z = $given->{z};
    my ($rows, $columns) = @{ $z->{shape} };
    my @result;
    for my $row (0 .. $rows - 1) {
        my @x = @{ $z->{values} }[$row * $columns .. ($row + 1) * $columns - 1];
        my $largest = max @x;
        my @powers = map { exp($_ - $largest) } @x;
        my $total = sum @powers;
        push @result, map { $_ / $total } @powers;
    }
    return { a => { %$z, values => \@result } };
}

# z=float32[2,3]: and the bytes in hexadecimal, the lowest first
sub read_word {
    my ($name, $dtype, $shape, $data) = $_[0] =~ /^(\w+)=(\w+)\[([\d,]*)\]:([0-9a-f]*)$/ or die "no array: $_[0]";
    return $name => { dtype => $dtype, shape => [split /,/, $shape], values => [unpack $types{$dtype}, pack 'H*', $data] };
}

sub written {
    my ($name, $array) = @_;
    my $data = unpack 'H*', pack $types{ $array->{dtype} }, @{ $array->{values} };
    return "$name=$array->{dtype}\[" . join(',', @{ $array->{shape} }) . "]:$data";
}

sub answer {
    my ($kind, $number, $operation, @words) = split / /, $_[0];
    return 'hello 1 name=mine language=perl dtypes=float32,float64 operations=' . join(',', sort keys %operations)
        if $kind eq 'hello';
    return "absent $number" unless $operations{$operation};
    my $results = eval { $operations{$operation}->({ map { read_word($_) } @words }) };
    return "failed $number " . join(' ', split ' ', $@) unless $results;
    return join ' ', "done $number", map { written($_, $results->{$_}) } sort keys %$results;
}

$| = 1;
while (my $line = <STDIN>) {
    chomp $line;
    print answer($line), "\n";
}
