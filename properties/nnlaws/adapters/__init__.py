"""Adapters to real libraries: each a module whose functions are named after operations.

Nothing is imported until asked for. A new target is one module here, one line below, and its rows in docs/findings.md
(CONTRIBUTING.md, "Add an adapter").
"""

BUILT_IN = {
    "reference": "nnlaws.adapters.reference",
    "scipy": "nnlaws.adapters.scipy",
    "scipy-stats": "nnlaws.adapters.scipy_stats",
    "scipy-variables": "nnlaws.adapters.scipy_variables",
    "numpy": "nnlaws.adapters.numpy_random",
    "torch": "nnlaws.adapters.torch",
    "torch-images": "nnlaws.adapters.torch_images:contiguous",
    "torch-channels-last": "nnlaws.adapters.torch_images:channels_last",
    "torch-layers": "nnlaws.adapters.torch_layers",
    "torch-foreach": "nnlaws.adapters.torch_optimizers:foreach",
    "torch-fused": "nnlaws.adapters.torch_optimizers:fused",
    "torch-variants": "nnlaws.adapters.torch_optimizers:variants",
    "torch-dampened": "nnlaws.adapters.torch_optimizers:dampened",
    "jax": "nnlaws.adapters.jax",
    "flax": "nnlaws.adapters.flax:one_pass",
    "flax-two-pass": "nnlaws.adapters.flax:two_pass",
    "optax": "nnlaws.adapters.optax",
    "optax-variants": "nnlaws.adapters.optax:variants",
    "keras": "nnlaws.adapters.keras",
    "onnx": "nnlaws.adapters.onnx:from_one",
    "onnx-from-zero": "nnlaws.adapters.onnx:from_zero",
    "onnxruntime": "nnlaws.adapters.onnxruntime",
    "sklearn": "nnlaws.adapters.sklearn",
    "sklearn-nesterov": "nnlaws.adapters.sklearn:nesterov",
    "sklearn-search": "nnlaws.adapters.sklearn_search",
    "tensorflow": "nnlaws.adapters.tensorflow",
    "tensorflow-fused": "nnlaws.adapters.tensorflow:fused",
    "tensorflow-v1": "nnlaws.adapters.tensorflow_v1",
    "optuna": "nnlaws.adapters.optuna",
    "hyperopt": "nnlaws.adapters.hyperopt",
    "hyperopt-uniformint": "nnlaws.adapters.hyperopt:uniformint",
    "keras-tuner": "nnlaws.adapters.keras_tuner",
    "configspace": "nnlaws.adapters.configspace",
    "nevergrad": "nnlaws.adapters.nevergrad",
    "ray": "nnlaws.adapters.ray",
}
"""The built-in targets and where they are: a module, or module:object."""
