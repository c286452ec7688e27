"""Sound algorithms that differ from the reference: all must conform, or the harness raises false alarms."""

from nnlaws.sound import softmax
from nnlaws.sound.variant import SoundVariant

SOUND: tuple[SoundVariant, ...] = softmax.SOUND

__all__ = ["SOUND", "SoundVariant"]
