"""Right ways to average and to step: folded, interpolated, summed up, vectorised over steps, wide, narrow, at size."""

from nnlaws.authoring.variant import SoundVariant
from nnlaws.chapters.optimizers.sound import adam, adamw, at_size, averages, descent, narrow, rmsprop

SOUND: tuple[SoundVariant, ...] = (
    *averages.SOUND,
    *descent.SOUND,
    *rmsprop.SOUND,
    *adam.SOUND,
    *adamw.SOUND,
    *narrow.SOUND,
    *at_size.SOUND,
)
