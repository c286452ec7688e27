"""The heartbeat's file, which one thread may close while another writes."""

import os
import threading
from pathlib import Path

import pytest
from nnlaws.harness.heartbeat import Heartbeat
from nnlaws_server.pulse import SIZE


def test_what_is_closed_while_it_is_written_raises_and_writes_nowhere_else(tmp_path: Path) -> None:
    """The number of a file that was closed goes to the next one that is opened."""
    path, other = tmp_path / "heartbeat", tmp_path / "other"
    path.write_bytes(bytes(SIZE))
    for _ in range(200):
        heartbeat = Heartbeat(path)
        raised: list[BaseException] = []

        def write(heartbeat: Heartbeat = heartbeat, raised: list[BaseException] = raised) -> None:
            try:
                while True:
                    heartbeat.clear()
                    assert len(heartbeat.place) == SIZE
            except ValueError as error:
                raised.append(error)

        threads = [threading.Thread(target=write) for _ in range(2)]
        for thread in threads:
            thread.start()
        heartbeat.close()
        with other.open("w+b") as opened:
            for thread in threads:
                thread.join(5)
            assert os.fstat(opened.fileno()).st_size == 0
        assert len(raised) == 2


def test_a_closed_one_says_so(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"
    path.write_bytes(bytes(SIZE))
    heartbeat = Heartbeat(path)
    heartbeat.close()
    with pytest.raises(ValueError, match="closed file"):
        heartbeat.first()
