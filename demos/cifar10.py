"""CIFAR-10 as memory-mapped bytes: from torchvision's archive or from folders of images, decoded once.

The cache is one folder for each source, written under another name and renamed when it is whole: it is complete or
absent. Images are uint8 in the order (N, 3, 32, 32), labels int64 in the order of the classes' names.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from demos.errors import DataError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CACHE = Path.home() / ".cache" / "gradlab"
SHAPE = (3, 32, 32)

Progress = Callable[[str, int, int], None]
"""Told what is being read, how many images are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Split:
    """Images (N, 3, 32, 32) uint8, possibly memory-mapped, and labels (N,) int64."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Cifar10:
    """Both splits; `digest` is the SHA-256 of all decoded bytes, so that runs on other copies can be told apart."""

    train: Split
    test: Split
    source: str
    digest: str


def load(
    path: Path | None, *, download: bool = False, cache: Path = CACHE, progress: Progress | None = None
) -> Cifar10:
    """The data at `path`: a folder with `cifar-10-batches-py`, or one with train/<class>/ and test/<class>/ of images.

    With `download` torchvision fetches the archive into the cache (or into `path`) and checks its md5 sums. What was
    decoded before is not decoded again. Raises DataError with the remedy; nothing half-written is left behind.
    """
    if path is None and not download:
        raise DataError("no images: give --data FOLDER, or --download to fetch CIFAR-10 (170 MB)")
    if path is not None and not download and not path.is_dir():
        raise DataError(f"no folder {path}; give the one that holds train/ and test/, or cifar-10-batches-py/")
    root = path or cache
    is_tree = (root / "train").is_dir() and not download
    source = _Tree(root) if is_tree else _Archive(root, download)
    folder = cache / f"cifar10-{source.key()}"
    if not (folder / "source.json").is_file():
        _write(folder, source, progress or (lambda what, done, total: None))
    return _read(folder)


class _Tree:
    """Folders train/<class>/ and test/<class>/, as torchvision's ImageFolder reads them."""

    def __init__(self, root: Path) -> None:
        self.name = f"image folder {root.name}"
        self.files = {split: _listed(root, split) for split in ("train", "test")}
        classes = {split: sorted({path.parent.name for path in files}) for split, files in self.files.items()}
        if classes["train"] != classes["test"]:
            odd = sorted(set(classes["train"]) ^ set(classes["test"]))
            raise DataError(f"{root}: {', '.join(odd)} in one of train/ and test/ only; unpack the images again")
        if missing := set(CLASSES) - set(classes["train"]) if set(CLASSES) & set(classes["train"]) else set():
            raise DataError(f"{root}: no class {', '.join(sorted(missing))}; unpack the images again")
        self.classes = classes["train"]

    def key(self) -> str:
        """Changes with any file's name, size or time."""
        found = hashlib.sha256()
        for files in self.files.values():
            for path in files:
                state = path.stat()
                found.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
        return found.hexdigest()[:16]

    def images(self, split: str) -> Iterator[tuple[NDArray[np.uint8], int]]:
        """Every image with its label."""
        from PIL import Image

        for path in self.files[split]:
            try:
                with Image.open(path) as image:
                    pixels = np.asarray(image.convert("RGB"))
            except OSError as error:
                raise DataError(f"{path} cannot be decoded ({error}); unpack the images again") from error
            if pixels.shape != (32, 32, 3):
                raise DataError(f"{path} has {pixels.shape[1]}x{pixels.shape[0]} pixels; CIFAR-10 has 32x32")
            yield pixels.transpose(2, 0, 1), self.classes.index(path.parent.name)

    def count(self, split: str) -> int:
        """How many images there are."""
        return len(self.files[split])


def _listed(root: Path, split: str) -> list[Path]:
    """The images of a split in a fixed order; every class must hold as many as the others."""
    files = sorted(path for path in (root / split).glob("*/*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not files:
        raise DataError(f"{root / split} holds no images; expected {split}/<class>/*.jpg or *.png")
    counts = Counter(path.parent.name for path in files)
    fewest, most = min(counts, key=lambda name: counts[name]), max(counts.values())
    if counts[fewest] != most:
        raise DataError(
            f"{root / split / fewest} holds {counts[fewest]} images, other classes {most}; unpack the images again"
        )
    return files


class _Archive:
    """The pickles of the original, read and checked by torchvision."""

    def __init__(self, root: Path, download: bool) -> None:
        try:
            from torchvision.datasets import CIFAR10
        except ImportError as error:
            raise DataError("reading CIFAR-10 needs torchvision: pip install 'gradlab[demos]'") from error
        try:
            self.sets = {
                split: CIFAR10(str(root), train=split == "train", download=download) for split in ("train", "test")
            }
        except URLError as error:
            raise DataError(
                f"CIFAR-10 cannot be fetched ({error.reason}); fetch cifar-10-python.tar.gz by other means, and give "
                "--data with the folder that it lies in"
            ) from error
        except (RuntimeError, EOFError, OSError) as error:
            raise DataError(
                f"{root}: neither train/ and test/ with folders of images, nor a whole cifar-10-batches-py/; "
                "unpack it again, or give --download"
            ) from error
        self.name = "torchvision CIFAR10"

    def key(self) -> str:
        """The md5 sums, which torchvision has checked."""
        sums = [*self.sets["train"].train_list, *self.sets["test"].test_list]
        return hashlib.sha256(repr(sums).encode()).hexdigest()[:16]

    def images(self, split: str) -> Iterator[tuple[NDArray[np.uint8], int]]:
        """Every image with its label."""
        found: Any = self.sets[split]
        for pixels, label in zip(found.data, found.targets, strict=True):
            yield pixels.transpose(2, 0, 1), label

    def count(self, split: str) -> int:
        """How many images there are."""
        return len(self.sets[split])


def _write(folder: Path, source: _Tree | _Archive, progress: Progress) -> None:
    """Decode into a folder beside the wanted one and rename that when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        digest = hashlib.sha256()
        for split in ("train", "test"):
            total = source.count(split)
            images = np.lib.format.open_memmap(
                unfinished / f"{split}_images.npy", mode="w+", dtype=np.uint8, shape=(total, *SHAPE)
            )
            labels = np.empty(total, np.int64)
            for position, (pixels, label) in enumerate(source.images(split)):
                images[position], labels[position] = pixels, label
                if position % 500 == 499 or position + 1 == total:
                    progress(f"decoding {split}", position + 1, total)
            images.flush()
            np.save(unfinished / f"{split}_labels.npy", labels)
            digest.update(images.tobytes())
            digest.update(labels.tobytes())
        (unfinished / "source.json").write_text(json.dumps({"source": source.name, "digest": digest.hexdigest()}))
        try:
            unfinished.rename(folder)
        except OSError:  # another process was first, with the same bytes
            if not (folder / "source.json").is_file():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _read(folder: Path) -> Cifar10:
    """The arrays of a whole cache folder."""
    try:
        about = json.loads((folder / "source.json").read_text())
        splits = [_mapped(folder, split) for split in ("train", "test")]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{folder} is damaged ({error}); delete it, and it is written again") from error
    return Cifar10(splits[0], splits[1], about["source"], about["digest"])


def _mapped(folder: Path, split: str) -> Split:
    images: NDArray[np.uint8] = np.load(folder / f"{split}_images.npy", mmap_mode="r")
    labels: NDArray[np.int64] = np.load(folder / f"{split}_labels.npy")
    if images.shape != (len(labels), *SHAPE):
        raise ValueError(f"{split} has {len(labels)} labels for images of shape {images.shape}")
    return Split(images, labels)


def sample(per_class: int, *, seed: int, classes: Sequence[str] = CLASSES) -> Split:
    """Made-up images in which each class is a pattern of its own under noise: for tests and for trying things out.

    >>> sample(2, seed=0).images.shape
    (20, 3, 32, 32)
    """
    rng = np.random.default_rng(seed)
    patterns = np.random.default_rng(0).integers(40, 216, (len(classes), *SHAPE))
    labels = np.repeat(np.arange(len(classes)), per_class)
    noisy = patterns[labels] + rng.normal(0, 40, (len(labels), *SHAPE))
    return Split(noisy.clip(0, 255).astype(np.uint8), labels)


def write_tree(root: Path, split: str, images: Split, classes: Sequence[str] = CLASSES) -> None:
    """Write images as `root/split/<class>/NNNN.png`, the layout that `load` reads."""
    from PIL import Image

    for position, (pixels, label) in enumerate(zip(images.images, images.labels, strict=True)):
        folder = root / split / classes[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.transpose(1, 2, 0)).save(folder / f"{position:04d}.png")
