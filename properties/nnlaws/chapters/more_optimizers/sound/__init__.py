"""Right ways to step: as libraries do, folded, wide, with the state in the open, and narrow."""

from nnlaws.authoring.variant import SoundVariant
from nnlaws.chapters.more_optimizers.sound import adaptive, ahead, plain

SOUND: tuple[SoundVariant, ...] = (*plain.SOUND, *adaptive.SOUND, *ahead.SOUND)
