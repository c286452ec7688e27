"""Compiles libtorch.cpp against the torch that is installed: `python libtorch.py FOLDER` leaves FOLDER/libtorch.

nnlaws check --setup 'python libtorch.py .' 'command:./libtorch'
"""

import subprocess
import sys
from pathlib import Path

from torch.utils import cpp_extension

HERE = Path(__file__).parent


def compiled(folder: Path) -> Path:
    """The client, in that folder."""
    libraries = cpp_extension.library_paths()
    found = [f"-I{path}" for path in cpp_extension.include_paths()]
    found += [option for path in libraries for option in (f"-L{path}", f"-Wl,-rpath,{path}")]
    program = folder / "libtorch"
    command = ["g++", "-std=c++20", "-O1", "-o", str(program), str(HERE / "libtorch.cpp"), *found]
    subprocess.run([*command, "-ltorch", "-ltorch_cpu", "-lc10"], check=True)
    return program


if __name__ == "__main__":
    compiled(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
