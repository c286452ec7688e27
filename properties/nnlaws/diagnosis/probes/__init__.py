"""Probes: what an unknown mistake does, found by calling the target on inputs that are designed to tell.

A theory says what the target returns for any arguments: those of another ε, of clipped gradients, of a formula with one
sign changed. Probes make theories of one wrong result; a theory is named only if all results that the target gives, on
inputs drawn and designed, right and wrong ones, are as it says. Where none is, it is told where the target is wrong.
"""
