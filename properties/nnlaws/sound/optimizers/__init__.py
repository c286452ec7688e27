"""Right ways to average and to step: folded, interpolated, summed up, vectorised over steps, wide, narrow."""

from nnlaws.sound.optimizers import adam, adamw, averages, descent, rmsprop
from nnlaws.sound.variant import SoundVariant

SOUND: tuple[SoundVariant, ...] = (*averages.SOUND, *descent.SOUND, *rmsprop.SOUND, *adam.SOUND, *adamw.SOUND)
