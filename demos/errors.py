"""What a demo cannot do, said in one line with the value that caused it and the remedy."""


class DemoError(Exception):
    """Base class: the commands print the message and end with status 2."""


class DataError(DemoError):
    """Images that are missing, incomplete or damaged. Nothing is written to the cache in that case."""


class OptionError(DemoError):
    """Options that do not fit each other, or not this machine."""


class FolderError(DemoError):
    """A run folder that holds something else than what is asked for."""


class DivergedError(DemoError):
    """A loss that is no longer finite. The last checkpoint, from before, is kept."""
