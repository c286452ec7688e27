"""The process that a target written in Python runs in: it loads the target, and answers calls. The judge is another.

It imports NumPy and ml_dtypes and nothing of nnlaws, so that what a target does to its own process is done to no judge.
It speaks the protocol of docs/protocol.md, with the extensions that are listed there for Python.
"""
