"""Rounding: numbers that know how far rounding alone may carry them, in any floating format."""
