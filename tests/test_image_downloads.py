"""Fetching image sets, from a server of the tests' own on this machine."""

import gzip
import hashlib
import logging
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from image_files import cifar, require_one_line, write_idx_set

from learning.datasets import images as image_sets
from learning.datasets import load_images
from learning.datasets.published import PUBLISHED, PublishedFile, PublishedSet


@dataclass
class Server:
    """A server and what it holds.

    Attributes:
        address: With a slash at the end.
        files: Content by name.
        broken: Names of files of which it sends half, and hangs up.
        asked: Names that were asked for.
        packed: Whether it says that its answers are packed, as some do of a .gz.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    packed: bool = False


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    held = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            held.asked.append(name)
            content = held.files.get(name)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            if held.packed:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if name in held.broken else content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        held.address = f"http://127.0.0.1:{listening.server_port}/"
        thread = Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield held
        listening.shutdown()
        thread.join()


def publish(
    server: Server, name: str, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> PublishedSet:
    """Have a set published on the server, with the checksums of what it holds there."""
    server.files.update(files)
    listed = tuple(
        PublishedFile(file, hashlib.md5(content, usedforsecurity=False).hexdigest(), len(content))
        for file, content in files.items()
    )
    published = replace(PUBLISHED[name], address=server.address, files=listed)
    monkeypatch.setattr(image_sets, "PUBLISHED", {**PUBLISHED, name: published})
    return published


@pytest.fixture
def mnist(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A small MNIST on the server."""
    write_idx_set(tmp_path / "original")
    files = {
        path.name if path.suffix == ".gz" else f"{path.name}.gz": (
            path.read_bytes() if path.suffix == ".gz" else gzip.compress(path.read_bytes())
        )
        for path in sorted((tmp_path / "original").iterdir())
    }
    publish(server, "mnist", files, monkeypatch)
    return files


def test_files_are_fetched_once_and_read_from_then_on(
    server: Server,
    mnist: dict[str, bytes],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "data"
    lines: list[str] = []
    with caplog.at_level(logging.INFO):
        first = load_images("mnist", folder, download=True, tell=lines.append)
    assert len(lines) == len(mnist)
    assert all(line.startswith("fetching 0.0 MB from http://127.0.0.1:") for line in lines)
    assert sorted(server.asked) == sorted(mnist)
    assert {p.name: p.read_bytes() for p in (folder / "mnist").iterdir()} == mnist
    again, read = load_images("mnist", folder, download=True), load_images("mnist", folder)
    assert len(server.asked) == len(mnist)
    original = load_images("mnist", tmp_path / "original")
    for images in (first, again, read):
        np.testing.assert_array_equal(images.train_images, original.train_images)
        np.testing.assert_array_equal(images.test_labels, original.test_labels)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_what_a_server_calls_packed_is_kept_as_it_is(
    server: Server, mnist: dict[str, bytes], tmp_path: Path
) -> None:
    server.packed = True
    load_images("mnist", tmp_path, download=True)
    assert {p.name: p.read_bytes() for p in (tmp_path / "mnist").iterdir()} == mnist


def test_without_a_folder_files_go_to_the_cache_and_are_found_there(
    mnist: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    load_images("mnist", download=True)
    assert "danp-cosim" in load_images("mnist").source
    held = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert held == set(mnist)


def test_what_is_missing_beside_other_files_is_added_there(
    server: Server, mnist: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    kept, *missing = mnist
    (folder / kept).write_bytes(mnist[kept])
    load_images("mnist", folder, download=True)
    assert sorted(server.asked) == sorted(missing)
    assert {path.name for path in folder.iterdir()} == set(mnist)


@pytest.mark.usefixtures("server")
def test_another_file_that_is_there_is_told_and_left_alone(
    mnist: dict[str, bytes], tmp_path: Path
) -> None:
    # Packed anew: the same images, another checksum. Without --download it is read.
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, content in mnist.items():
        (folder / name).write_bytes(gzip.compress(gzip.decompress(content), compresslevel=1))
    name = next(iter(mnist))
    before = (folder / name).read_bytes()
    with pytest.raises(ValueError, match=r"its MD5 is [0-9a-f]{32}, MNIST's published") as caught:
        load_images("mnist", folder, download=True)
    require_one_line(caught)
    assert (folder / name).read_bytes() == before
    assert len(load_images("mnist", folder).train) == 30


def test_cifar_is_fetched_as_one_archive(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = cifar("cifar100", "binary", each=100)
    path = files.pack(tmp_path / "original")
    publish(server, "cifar100", {path.name: path.read_bytes()}, monkeypatch)
    images = load_images("cifar100", tmp_path / "data", download=True)
    np.testing.assert_array_equal(images.test_images, files.images["test.bin"])
    # One that is unpacked already is read; there is nothing to fetch.
    files.write(tmp_path / "unpacked")
    load_images("cifar100", tmp_path / "unpacked", download=True)
    assert server.asked == [path.name]


def wrong_sum(server: Server, name: str) -> None:
    server.files[name] += b"?"


def endless(server: Server, name: str) -> None:
    server.files[name] = bytes(10_000_000)


def no_file(server: Server, name: str) -> None:
    del server.files[name]


def hangs_up(server: Server, name: str) -> None:
    server.broken.add(name)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (wrong_sum, "what came is damaged or another file, its MD5 is not "),
        (endless, "what came is damaged or another file, its MD5 is not "),
        (no_file, "cannot fetch: the server says 404 Not Found; bring "),
        (hangs_up, "cannot fetch: the connection broke ("),
    ],
)
def test_a_download_that_fails_gets_one_line_and_leaves_nothing(
    fault: object, text: str, server: Server, mnist: dict[str, bytes], tmp_path: Path
) -> None:
    assert callable(fault)
    *_, name = (file.name for file in image_sets.PUBLISHED["mnist"].files)
    fault(server, name)
    folder = tmp_path / "data"
    with pytest.raises(ValueError, match=re.escape(server.address + name)) as caught:
        load_images("mnist", folder, download=True)
    require_one_line(caught)
    assert text in str(caught.value)
    assert f"bring {name} by hand to {folder / 'mnist'}, see docs/image-data.md" in str(
        caught.value
    )
    assert {path.name for path in (folder / "mnist").iterdir()} == set(mnist) - {name}
    # Once the file can be had, the same call fetches it alone.
    server.files[name], server.broken = mnist[name], set()
    server.asked.clear()
    load_images("mnist", folder, download=True)
    assert server.asked == [name]


def test_without_a_connection_there_is_one_line(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, and nobody listens
        server.address = f"http://127.0.0.1:{free.getsockname()[1]}/"
        publish(server, "cifar10", {"cifar-10-binary.tar.gz": b""}, monkeypatch)
        with pytest.raises(ValueError, match="cannot fetch: no connection, or it broke; bring ci"):
            load_images("cifar10", tmp_path, download=True)


@pytest.mark.usefixtures("mnist")
def test_a_folder_that_takes_no_file_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"ubyte\.gz: cannot (write|read): ") as caught:
        load_images("mnist", tmp_path / "file" / "below", download=True)
    require_one_line(caught)


@pytest.mark.parametrize("name", PUBLISHED)
def test_addresses_and_sums_are_complete(name: str) -> None:
    published = PUBLISHED[name]
    assert re.fullmatch(r"https?://\S+/", published.address)
    assert len({file.md5 for file in published.files}) == len(published.files)
    assert all(re.fullmatch("[0-9a-f]{32}", file.md5) for file in published.files)
    assert sum(published.train_counts or [published.train]) == published.train
