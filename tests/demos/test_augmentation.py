import torch

from demos.augmentation import RandomFlip, RandomShift, flip_and_shift


def _images(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(1, 256, (count, 3, 8, 8), dtype=torch.uint8, generator=generator)


def test_every_image_is_shifted_by_itself() -> None:
    """Each result is a window of its image in a frame of zeros, the same in all channels, and places differ."""
    torch.manual_seed(0)
    images = _images(40)
    shifted = RandomShift(2)(images)
    assert shifted.shape == images.shape
    places = set()
    for image, result in zip(torch.nn.functional.pad(images, [2] * 4), shifted, strict=True):
        fits = [
            (row, column)
            for row in range(5)
            for column in range(5)
            if torch.equal(image[:, row : row + 8, column : column + 8], result)
        ]
        assert len(fits) == 1
        places.update(fits)
    assert len(places) > 10


def test_about_half_of_the_images_are_mirrored() -> None:
    """Each result is its image or the mirrored one, and both occur."""
    torch.manual_seed(0)
    images = _images(40)
    flipped = RandomFlip()(images)
    mirrored = [torch.equal(result, image.flip(-1)) for image, result in zip(images, flipped, strict=True)]
    same = [torch.equal(result, image) for image, result in zip(images, flipped, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 10 < sum(mirrored) < 30


def test_a_seed_gives_the_same_images() -> None:
    """What a step trains on is a function of its seed."""
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(flip_and_shift()(_images(10)))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
