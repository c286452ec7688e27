"""What libraries call the numbers of our operations, and what they can do besides, which is switched off."""

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from nnlaws_server.errors import TargetError, words
from nnlaws_server.loading import loaded

Parameters = Mapping[str, inspect.Parameter]
Keywords = dict[str, Any]

NAMES: dict[str, tuple[str, ...]] = {
    "betas": ("betas",),
    "beta1": ("beta1", "b1", "beta_1", "decay1", "mom"),
    "beta2": ("beta2", "b2", "beta_2", "decay2", "sqr_mom"),
    "beta": ("alpha", "rho", "decay", "smoothing_constant", "sqr_mom", "gamma", "decay_rate", "beta", "beta2"),
    "momentum": ("momentum", "mom", "mass", "beta", "beta_1", "beta1", "mu", "gamma"),
    "eps": ("eps", "epsilon", "ep"),
    "weight_decay": ("weight_decay", "wd", "L2"),
    "dampening": ("dampening",),
    "initial_accumulator": ("initial_accumulator_value", "initial_accumulator"),
    "momentum_decay": ("momentum_decay",),
    "learning_rate": ("lr", "learning_rate", "step_size", "learn_rate", "eta"),
    "bn_momentum": ("momentum", "decay_rate", "decay"),
    "rate": ("gamma", "decay_rate", "rate"),
    "every": ("step_size", "decay_steps", "transition_steps", "decay_t", "step_every"),
    "staircase": ("staircase",),
}
"""Of each word of ours, theirs, in the order in which they are looked for."""

OFF: dict[str, Any] = {
    **dict.fromkeys(NAMES["weight_decay"], 0.0),
    **dict.fromkeys(("momentum", "lambd", "l1", "l1_regularization_strength", "initial_accumulator_value"), 0.0),
    **dict.fromkeys(("max_grad_norm", "clip_threshold", "grad_clip", "clipnorm", "clipvalue", "global_clipnorm"), None),
    **dict.fromkeys(("apply_act", "amsgrad", "use_gc", "maximize", "centered", "use_ema"), False),
    **dict.fromkeys(("label_smoothing", "smoothing"), 0.0),
    "activation": None,
}
"""What is switched off where it is on by default, by a name that says what it does."""
OTHERWISE = (
    *("maximize", "centered", "label_smoothing", "smoothing", "ignore_index", "weight", "pos_weight"),
    "use_global_stats",
)
"""What makes something else of it, where it is given: no operation has it yet."""


class Unrecognised(Exception):
    """The object is of a known framework, but nothing that we know; the message says what is missing."""


def parameters(factory: Any) -> Parameters:
    """The parameters of a class or a function, by name; none of what does not say."""
    try:
        return inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return {}


def pick(there: Parameters, word: str) -> str:
    """What one of ours is called there; nothing where it is not."""
    return next((name for name in NAMES[word] if name in there), "")


def switched_off(there: Parameters, given: Keywords) -> Keywords:
    """What is on by default and neither given nor one of our numbers, with the value that switches it off."""
    found = {name: value for name, value in OFF.items() if name in there and name not in given}
    usual = {name: there[name].default for name in found}
    return {
        name: value
        for name, value in found.items()
        if usual[name] not in (value, None, False, inspect.Parameter.empty)
        and (value is None or isinstance(usual[name], (bool, int, float)))  # a threshold may be several numbers
    }


def of_optimizer(
    there: Parameters, called: str = "", given: Keywords | None = None
) -> dict[str, Callable[..., Keywords]]:
    """The operations that an optimizer with these parameters may be, each with what makes keywords of our options.
    called: its name, which tells RMSprop with a momentum from Adam, and NAdam. given: keywords that it is made with.
    """
    if beyond := _beyond_adam(there, called.lower(), given or {}):
        return beyond
    beta1, beta2, betas = pick(there, "beta1"), pick(there, "beta2"), pick(there, "betas")
    eps, beta, momentum, decay = (pick(there, word) for word in ("eps", "beta", "momentum", "weight_decay"))
    if betas and len(there[betas].default if isinstance(there[betas].default, tuple) else (0, 0)) != 2:
        raise Unrecognised(f"its {betas} are {there[betas].default!r}, where Adam has two")

    def averages(beta1_: float, beta2_: float) -> Keywords:
        return {betas: (beta1_, beta2_)} if betas else {beta1: beta1_, beta2: beta2_}

    found: dict[str, Callable[..., Keywords]] = {}
    if "rmsprop" in called.lower() and beta and eps and not betas:
        still = {beta1: 0.0} if beta1 and beta1 != beta else {}
        found["rmsprop"] = lambda beta, eps: {pick(there, "beta"): beta, pick(there, "eps"): eps, **still}
    elif (betas or (beta1 and beta2)) and eps:
        found["adam"] = lambda beta1, beta2, eps: {**averages(beta1, beta2), pick(there, "eps"): eps}
        if decay:
            found["adamw"] = lambda beta1, beta2, eps, weight_decay: {
                **averages(beta1, beta2),
                pick(there, "eps"): eps,
                decay: weight_decay,
            }
    elif beta and eps:
        found["rmsprop"] = lambda beta, eps: {pick(there, "beta"): beta, pick(there, "eps"): eps}
    elif momentum:
        found["momentum"] = lambda beta: {momentum: beta}
        found["gradient_descent"] = lambda: {momentum: 0.0}
        if "dampening" in there and decay and not {"dampening", "nesterov", decay} & (given or {}).keys():
            found["sgd"] = lambda beta, dampening, weight_decay: {
                momentum: beta,
                "dampening": dampening,
                decay: weight_decay,
            }
    elif not betas and not eps:
        found["gradient_descent"] = lambda: {}
    if not found:
        raise Unrecognised(
            f"its parameters are {', '.join(there) or 'not known'}; expected betas and eps, as Adam has, alpha or rho "
            "and eps, as RMSprop has, or momentum"
        )
    return found


def _beyond_adam(there: Parameters, called: str, given: Keywords) -> dict[str, Callable[..., Keywords]]:
    """AMSGrad, NAdam, RAdam, Lion and AdaGrad, which have the arguments of others, and are known by their names."""
    words = ("beta1", "beta2", "betas", "eps", "weight_decay", "initial_accumulator", "momentum_decay")
    beta1, beta2, betas, eps, decay, initial, rising = (pick(there, word) for word in words)

    def averages(beta1_: float, beta2_: float) -> Keywords:
        return {betas: (beta1_, beta2_)} if betas else {beta1: beta1_, beta2: beta2_}

    def adams(beta1: float, beta2: float, eps: float) -> Keywords:
        return {**averages(beta1, beta2), pick(there, "eps"): eps}

    def nadam(beta1: float, beta2: float, eps: float, momentum_decay: float) -> Keywords:
        return {**adams(beta1, beta2, eps), **({rising: momentum_decay} if rising else {})}

    def lion(beta1: float, beta2: float, weight_decay: float) -> Keywords:
        return {**averages(beta1, beta2), decay: weight_decay}

    def adagrad(eps: float, initial_accumulator: float) -> Keywords:
        return {pick(there, "eps"): eps, **({initial: initial_accumulator} if initial else {})}

    two = bool(betas or (beta1 and beta2))
    if "adagrad" in called and eps and not two:
        return {"adagrad": adagrad}
    if "lion" in called and two and decay and not eps:
        return {"lion": lion}
    if not (two and eps):
        return {}
    if given.get("amsgrad") or "amsgrad" in called:
        return {"amsgrad": adams}
    return {"nadam": nadam} if "nadam" in called else {"radam": adams} if "radam" in called else {}


def without_an_option(there: Parameters, operations: Mapping[str, object]) -> Keywords:
    """What has one value alone, for there is nothing to give it by: MLX' Adagrad starts from 0."""
    alone = "adagrad" in operations and not pick(there, "initial_accumulator")
    return {"adagrad.initial_accumulator": 0.0} if alone else {}


def settled(there: Parameters, given: Keywords, operations: Mapping[str, Callable[..., Keywords]]) -> Keywords:
    """What is the same in all operations of an optimizer: what is given, and what is switched off. Raises Unrecognised
    where a number is given that the laws set.
    """
    each_own = [{*each(**dict.fromkeys(parameters(each), 0.5))} for each in operations.values()]
    left_to_laws(given, {*set().union(*each_own), pick(there, "learning_rate")})
    if given.get("amsgrad") and "amsgrad" not in operations:
        raise Unrecognised("amsgrad makes something else of it than is known of this library")
    return {
        name: value
        for name, value in {**switched_off(there, given), **given}.items()
        if name not in set.intersection(*each_own)
    }


def left_to_laws(given: Keywords, own: set[str]) -> None:
    """Raises Unrecognised where a number is given that the laws set."""
    if numbers := sorted(own & given.keys()):
        raise Unrecognised(f"{', '.join(numbers)} is set by the laws, to many values: leave it out")


def insist(target: SimpleNamespace | None) -> SimpleNamespace:
    """What was recognised. Raises Unrecognised where nothing was."""
    if target is None:
        raise Unrecognised("its parameters are those of nothing that is known")
    return target


def raised(error: Exception) -> str:
    """An exception in words, in one line: the first, for some libraries go on for pages."""
    return f"raised {words(error).partition(chr(10))[0][:200]}"


def only_what_there_is(given: Keywords) -> None:
    """Raises Unrecognised where a keyword makes something else of it."""
    if others := [name for name in OTHERWISE if given.get(name)]:
        raise Unrecognised(f"{', '.join(others)} makes something else of it, and no operation has that yet")


def found(named: str) -> Any:
    """The object of a text module:object, or my.py:object. Raises Unrecognised."""
    try:
        made = loaded(named, {})
    except TargetError as error:
        raise Unrecognised(f"{named} cannot be had: {error}; expected module:function, as in torch:compile") from None
    if not callable(made):
        raise Unrecognised(f"{named} is a {type(made).__name__}, and nothing that can be called")
    return made


def told(fixed: Keywords) -> tuple[str, ...]:
    """What is given or switched off, as one says it: no line, or one."""
    return (f"with {', '.join(f'{name} = {value!r}' for name, value in fixed.items())}",) if fixed else ()
