"""Files that are written: at once where there is a file, and through to a device, a pipe, or where a link points."""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nnlaws.authoring.errors import UsageError


def writable(name: str, path: str | Path) -> Path:
    """The path that an option of that name gives, if it can be written to, as far as that can be known beforehand.

    Raises UsageError with what is wrong. name: as in --json, for that.
    """
    if not str(path).strip():
        raise UsageError(f"{name} names no file; expected one, as in {name} report.json")
    found = Path(path)
    try:
        mode = found.stat().st_mode
    except FileNotFoundError:
        return _in_a_folder(name, found)
    except (OSError, ValueError) as error:  # a path may hold what none may
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{name}: cannot write {str(found)!r}: {why}") from None
    if stat.S_ISDIR(mode):
        raise UsageError(f"{name}: cannot write {found}: it is a folder, expected a file")
    if not os.access(found, os.W_OK):
        raise UsageError(f"{name}: cannot write {found}: permission denied")
    return found


def _in_a_folder(name: str, path: Path) -> Path:
    """The path of a file that is still to be made; a link may point to it."""
    folder = path.resolve().parent
    if not folder.is_dir():
        raise UsageError(f"{name}: cannot write {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{name}: cannot write {path}: permission denied in {folder}")
    return path


def apart(files: Mapping[str, str | Path | None]) -> None:
    """Raises UsageError where two options give one file, by whatever names."""
    seen: dict[Path, str] = {}
    for name, path in files.items():
        if path is None or path == "-":
            continue
        place = Path(path).resolve()
        if place in seen and not _through(place):
            raise UsageError(f"{seen[place]} and {name} both write to {path}; give each a file of its own")
        seen[place] = name


def write(path: Path, text: str) -> None:
    """Puts the text in the place of what is there: of a file at once, so that nobody sees half of it; a device or a
    pipe is written to. Where a link points, the link stays. Raises UsageError where that fails.
    """
    place, beside = path, None
    try:
        place = path.resolve()
        if _through(place):
            with place.open("w", encoding="utf-8", errors="backslashreplace") as there:
                there.write(text)
            return
        beside = place.with_name(f"{place.name}.{os.getpid()}.part")
        beside.write_text(text, encoding="utf-8", errors="backslashreplace")
        if place.exists():
            beside.chmod(stat.S_IMODE(place.stat().st_mode))
        beside.replace(place)
    except OSError as error:
        if beside is not None:
            with suppress(OSError):
                beside.unlink()
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _through(place: Path) -> bool:
    """Whether it is there and is no file that could be replaced."""
    return place.exists() and not place.is_file()
