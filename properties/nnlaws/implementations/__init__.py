"""Adapters to real libraries: each a module whose functions are named after operations.

Nothing is imported until asked for.
"""

BUILT_IN = {
    "reference": "nnlaws.implementations.reference",
    "scipy": "nnlaws.implementations.scipy",
    "scipy-stats": "nnlaws.implementations.scipy_stats",
    "scipy-variables": "nnlaws.implementations.scipy_variables",
    "numpy": "nnlaws.implementations.numpy_random",
    "torch": "nnlaws.implementations.torch",
    "torch-images": "nnlaws.implementations.torch_images:contiguous",
    "torch-channels-last": "nnlaws.implementations.torch_images:channels_last",
    "torch-foreach": "nnlaws.implementations.torch_optimizers:foreach",
    "torch-fused": "nnlaws.implementations.torch_optimizers:fused",
    "torch-variants": "nnlaws.implementations.torch_optimizers:variants",
    "torch-dampened": "nnlaws.implementations.torch_optimizers:dampened",
    "jax": "nnlaws.implementations.jax",
    "flax": "nnlaws.implementations.flax:one_pass",
    "flax-two-pass": "nnlaws.implementations.flax:two_pass",
    "optax": "nnlaws.implementations.optax",
    "optax-variants": "nnlaws.implementations.optax:variants",
    "keras": "nnlaws.implementations.keras",
    "onnx": "nnlaws.implementations.onnx:from_one",
    "onnx-from-zero": "nnlaws.implementations.onnx:from_zero",
    "onnxruntime": "nnlaws.implementations.onnxruntime",
    "sklearn": "nnlaws.implementations.sklearn",
    "sklearn-nesterov": "nnlaws.implementations.sklearn:nesterov",
    "sklearn-search": "nnlaws.implementations.sklearn_search",
    "tensorflow": "nnlaws.implementations.tensorflow",
    "tensorflow-fused": "nnlaws.implementations.tensorflow:fused",
    "tensorflow-v1": "nnlaws.implementations.tensorflow_v1",
    "optuna": "nnlaws.implementations.optuna",
    "hyperopt": "nnlaws.implementations.hyperopt",
    "hyperopt-uniformint": "nnlaws.implementations.hyperopt:uniformint",
    "keras-tuner": "nnlaws.implementations.keras_tuner",
    "configspace": "nnlaws.implementations.configspace",
    "nevergrad": "nnlaws.implementations.nevergrad",
    "ray": "nnlaws.implementations.ray",
}
"""The built-in targets and where they are: a module, or module:object."""
