"""Sound algorithms that differ from the reference: all must conform, or the harness raises false alarms."""

from nnlaws.sound import batch_norm, decay, optimizers, sampling, scales, search, softmax
from nnlaws.sound.variant import SoundVariant

SOUND: tuple[SoundVariant, ...] = (
    *batch_norm.SOUND,
    *softmax.SOUND,
    *optimizers.SOUND,
    *decay.SOUND,
    *scales.SOUND,
    *sampling.SOUND,
    *search.SOUND,
)

__all__ = ["SOUND", "SoundVariant"]
