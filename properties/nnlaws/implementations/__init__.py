"""Adapters to real libraries: each a module whose functions are named after operations.

Nothing is imported until asked for.
"""

BUILT_IN = {
    "reference": "nnlaws.implementations.reference",
    "scipy": "nnlaws.implementations.scipy",
    "torch": "nnlaws.implementations.torch",
    "torch-images": "nnlaws.implementations.torch_images:contiguous",
    "torch-channels-last": "nnlaws.implementations.torch_images:channels_last",
    "jax": "nnlaws.implementations.jax",
    "flax": "nnlaws.implementations.flax:one_pass",
    "flax-two-pass": "nnlaws.implementations.flax:two_pass",
    "keras": "nnlaws.implementations.keras",
    "onnxruntime": "nnlaws.implementations.onnxruntime",
    "tensorflow": "nnlaws.implementations.tensorflow",
    "tensorflow-fused": "nnlaws.implementations.tensorflow:fused",
}
"""The built-in targets and where they are: a module, or module:object."""
