"""Layers, optimizers, schedules, losses and functions as they are: recognised, and called as the operations.

Nothing is imported until asked for. `recognition.recognise` looks at an object; what it finds is made by the functions
of one module a framework, which are also for people to call: `nnlaws.torch.batch_norm(factory)` is a target.
"""
