"""Every operation as a textbook has it: `nnlaws check examples/textbook.py`.

Right in its mathematics, and nothing more: it minds neither empty batches, nor the last ulp at the ends of a scale, nor
what a global generator of random numbers is to others. So it conforms, and is told the SHOULDs that it falls short of;
`nnlaws check examples/textbook.py --strict` ends with exit code 1.
"""

import numpy as np

Array = np.ndarray

# --- softmax and cross entropy ---


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z: Array) -> Array:
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def cross_entropy(z: Array, y: Array) -> Array:
    return np.mean(-np.sum(y * log_softmax(z), axis=-1))


def cross_entropy_gradient(z: Array, y: Array) -> Array:
    return (softmax(z) - y) / len(z)


# --- batch norm ---


def batch_norm_train(z: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
    mean, var = np.mean(z, axis=0), np.var(z, axis=0)
    return gamma * (z - mean) / np.sqrt(var + eps) + beta, mean, var


def batch_norm_backward(dout: Array, z: Array, gamma: Array, *, eps: float) -> tuple[Array, Array, Array]:
    root = np.sqrt(np.var(z, axis=0) + eps)
    z_norm = (z - np.mean(z, axis=0)) / root
    dgamma, dbeta = np.sum(dout * z_norm, axis=0), np.sum(dout, axis=0)
    dz = gamma / root * (dout - np.mean(dout, axis=0) - z_norm * np.mean(dout * z_norm, axis=0))
    return dz, dgamma, dbeta


def batch_norm_running(batches: Array, *, decay: float) -> tuple[Array, Array]:
    mean, var = np.zeros_like(batches[0, 0]), np.ones_like(batches[0, 0])
    for z in batches:
        mean = decay * mean + (1 - decay) * np.mean(z, axis=0)
        var = decay * var + (1 - decay) * np.var(z, axis=0)
    return mean, var


def batch_norm_inference(z: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float) -> Array:
    return gamma * (z - mean) / np.sqrt(var + eps) + beta


# --- averages and optimizers ---


def exponential_average(values: Array, *, beta: float, bias_correction: bool) -> Array:
    v, averages = np.zeros_like(values[0]), []
    for t, x in enumerate(values, start=1):
        v = beta * v + (1 - beta) * x
        averages.append(v / (1 - beta**t) if bias_correction else v)
    return np.array(averages)


Rate = float | tuple[float, ...]


def _rates(learning_rate: Rate, grads: Array) -> list[float]:
    """One rate a step."""
    return list(learning_rate) if isinstance(learning_rate, tuple) else [learning_rate] * len(grads)


def gradient_descent(theta: Array, grads: Array, *, learning_rate: Rate) -> Array:
    iterates = []
    for rate, g in zip(_rates(learning_rate, grads), grads, strict=True):
        theta = theta - rate * g
        iterates.append(theta)
    return np.array(iterates)


def momentum(theta: Array, grads: Array, *, learning_rate: Rate, beta: float) -> Array:
    v, iterates = np.zeros_like(theta), []
    for rate, g in zip(_rates(learning_rate, grads), grads, strict=True):
        v = beta * v + (1 - beta) * g
        theta = theta - rate * v
        iterates.append(theta)
    return np.array(iterates)


def rmsprop(theta: Array, grads: Array, *, learning_rate: Rate, beta: float, eps: float) -> Array:
    s, iterates = np.zeros_like(theta), []
    for rate, g in zip(_rates(learning_rate, grads), grads, strict=True):
        s = beta * s + (1 - beta) * g**2
        theta = theta - rate * g / (np.sqrt(s) + eps)
        iterates.append(theta)
    return np.array(iterates)


def adam(theta: Array, grads: Array, *, learning_rate: Rate, beta1: float, beta2: float, eps: float) -> Array:
    return adamw(theta, grads, learning_rate=learning_rate, beta1=beta1, beta2=beta2, eps=eps, weight_decay=0.0)


def adamw(
    theta: Array, grads: Array, *, learning_rate: Rate, beta1: float, beta2: float, eps: float, weight_decay: float
) -> Array:
    m, v, iterates = np.zeros_like(theta), np.zeros_like(theta), []
    for t, (rate, g) in enumerate(zip(_rates(learning_rate, grads), grads, strict=True), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        step = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        theta = theta - rate * weight_decay * theta - rate * step
        iterates.append(theta)
    return np.array(iterates)


# --- learning-rate decay ---


def inverse_time_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return np.array([initial / (1 + rate * float(e)) for e in epoch], epoch.dtype)


def exponential_decay(epoch: Array, *, initial: float, rate: float) -> Array:
    return np.array([initial * rate ** float(e) for e in epoch], epoch.dtype)


def staircase_decay(epoch: Array, *, initial: float, rate: float, every: float) -> Array:
    return np.array([initial * rate ** (float(e) // every) for e in epoch], epoch.dtype)


def inverse_root_decay(epoch: Array, *, initial: float, factor: float) -> Array:
    return np.array([factor / np.sqrt(float(e) + 1) * initial for e in epoch], epoch.dtype)


# --- scales of hyperparameters ---


def log_uniform_map(u: Array, *, low: float, high: float) -> Array:
    return (low ** (1 - u.astype(float)) * high ** u.astype(float)).astype(u.dtype)


def log_uniform_inverse(x: Array, *, low: float, high: float) -> Array:
    return (np.log(x.astype(float) / low) / np.log(high / low)).astype(x.dtype)


def log_uniform_density(x: Array, *, low: float, high: float) -> Array:
    return (1 / (x.astype(float) * np.log(high / low))).astype(x.dtype)


def one_minus_log_uniform_map(u: Array, *, low: float, high: float) -> Array:
    u64 = u.astype(float)
    return (1 - (1 - low) ** (1 - u64) * (1 - high) ** u64).astype(u.dtype)


def one_minus_log_uniform_inverse(x: Array, *, low: float, high: float) -> Array:
    return (np.log((1 - x.astype(float)) / (1 - low)) / np.log((1 - high) / (1 - low))).astype(x.dtype)


def one_minus_log_uniform_density(x: Array, *, low: float, high: float) -> Array:
    return (1 / ((1 - x.astype(float)) * np.log((1 - low) / (1 - high)))).astype(x.dtype)


# --- sampling ---


def sample_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    np.random.seed(seed)
    return low + (high - low) * np.random.rand(size)


def sample_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    np.random.seed(seed)
    return low * (high / low) ** np.random.rand(size)


def sample_one_minus_log_uniform(low: float, high: float, *, size: int, seed: int) -> Array:
    np.random.seed(seed)
    return 1 - (1 - low) * ((1 - high) / (1 - low)) ** np.random.rand(size)


def sample_integer(low: int, high: int, *, size: int, seed: int) -> Array:
    np.random.seed(seed)
    return np.random.randint(low, high + 1, size)


# --- search ---


def _position(axis, x):
    if axis.high == axis.low:  # whole numbers have come down to one
        return 0.0
    if axis.scale == "log":
        return np.log(x / axis.low) / np.log(axis.high / axis.low)
    if axis.scale == "one_minus_log":
        return np.log((1 - x) / (1 - axis.low)) / np.log((1 - axis.high) / (1 - axis.low))
    return (x - axis.low) / (axis.high - axis.low)


def _value(axis, u):
    """The number at a position on the axis's own scale, and never past its ends."""
    if axis.scale == "log":
        x = axis.low * (axis.high / axis.low) ** u
    elif axis.scale == "one_minus_log":
        x = 1 - (1 - axis.low) * ((1 - axis.high) / (1 - axis.low)) ** u
    else:
        x = axis.low + (axis.high - axis.low) * u
    return np.clip(x, axis.low, axis.high)


def grid_search(space, *, per_axis: int) -> Array:
    levels = []
    for axis in space:
        x = _value(axis, np.linspace(0, 1, per_axis) if per_axis > 1 else np.array([0.5]))
        levels.append(np.round(x) if axis.scale == "integer" else x)
    return np.stack([grid.ravel() for grid in np.meshgrid(*levels, indexing="ij")], axis=-1)


def random_search(space, *, budget: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    columns = [
        rng.integers(int(axis.low), int(axis.high) + 1, budget).astype(float)
        if axis.scale == "integer"
        else _value(axis, rng.random(budget))
        for axis in space
    ]
    return np.stack(columns, axis=-1)


def refine(space, incumbent, *, shrink: float) -> Array:
    box = []
    for axis, x in zip(space, incumbent, strict=True):
        u = _position(axis, x)
        low, high = _value(axis, max(u - shrink / 2, 0.0)), _value(axis, min(u + shrink / 2, 1.0))
        if axis.scale == "integer":
            low, high = np.ceil(low - 1e-9), np.floor(high + 1e-9)
        box.append((min(low, x), max(high, x)))
    return np.array(box)


def _best(losses) -> int:
    """The first of the least; a loss that is no number is less than none."""
    best, least = 0, np.inf
    for number, loss in enumerate(losses):
        if loss < least:
            best, least = number, loss
    return best


def coarse_to_fine(space, objective, *, rounds: int, budget: int, shrink: float, seed: int):
    points, losses, box = [], [], list(space)
    for number in range(rounds):
        for point in random_search(box, budget=budget, seed=[seed, number]):
            points.append(point)
            losses.append(objective(point))
        ends = refine(box, points[_best(losses)], shrink=shrink)
        box = [axis._replace(low=low, high=high) for axis, (low, high) in zip(box, ends.tolist(), strict=True)]
    return np.array(points), np.array(losses), _best(losses)


def caviar(space, objective, *, budget: int, seed: int):
    points = random_search(space, budget=budget, seed=seed)
    losses = np.array([objective(point) for point in points])
    return points, losses, _best(losses)


def panda(space, train, *, start, budget: int, seed: int):
    """One model; each setting is a step from the last one, and back towards the best one after a loss that grew."""
    rng = np.random.default_rng(seed)
    model, points, losses = None, [np.array(start, dtype=float)], []
    for _ in range(budget):
        model, loss = train(model, points[-1])
        losses.append(loss)
        here = points[-1] if loss <= min(losses) else points[_best(losses)]
        nudged = []
        for axis, x in zip(space, here, strict=True):
            u = _position(axis, x)
            x = _value(axis, np.clip(u + rng.uniform(-0.1, 0.1), 0, 1))
            nudged.append(np.round(x) if axis.scale == "integer" else x)
        points.append(np.array(nudged, dtype=float))
    return np.array(points[:budget]), np.array(losses), _best(losses)
