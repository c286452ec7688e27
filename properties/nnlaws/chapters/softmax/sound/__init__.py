"""Right ways to compute softmax and its kin: of few classes, and at any size."""

from nnlaws.authoring.variant import SoundVariant
from nnlaws.chapters.softmax.sound import losses, probabilities, small

SOUND: tuple[SoundVariant, ...] = (*small.SOUND, *probabilities.SOUND, *losses.SOUND)
