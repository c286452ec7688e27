"""Adapters to real libraries: each a module whose functions are named after operations.

Nothing is imported until asked for.
"""

BUILT_IN = {
    "reference": "nnlaws.implementations.reference",
    "scipy": "nnlaws.implementations.scipy",
    "torch": "nnlaws.implementations.torch",
}
"""The built-in targets and their modules."""
