"""Every error gradlab raises on purpose. Each message shows the value that caused it, then the remedy."""


class GradlabError(Exception):
    """Base class of gradlab's own errors; catch it to catch them all."""


class UnknownOperationError(GradlabError, KeyError):
    """No operation has this name. Remedy: one of the names that the message suggests, or `gradlab list`."""

    def __str__(self) -> str:
        # KeyError would print the repr of the message, quotes included.
        return str(self.args[0]) if self.args else ""


class SignatureError(GradlabError, ValueError):
    """A signature, domain or argument declaration cannot be used. Remedy: the corrected form in the message."""


class DefinitionError(GradlabError, ValueError):
    """A derivation cannot be read. The message names the file, the binding and the remedy."""


class FormulaError(DefinitionError):
    """A formula cannot be read. The message points at the character and names the remedy."""


class ProofError(GradlabError):
    """A derivation step did not survive its proof, or a mutant of it did. Nothing is written in that case."""


class MissingDependencyError(GradlabError, ImportError):
    """An optional library is needed and absent. The message is one line with the pip command."""


class GradientError(GradlabError, AssertionError):
    """A backward pass broke a law; the message holds the shrunk case and how to reproduce it."""


class ShapeError(GradlabError, ValueError):
    """Arrays whose shapes do not fit an operation, or each other. The message names both shapes."""


class DtypeError(GradlabError, TypeError):
    """An array of a type that an operation cannot take. The message shows the cast."""


class OrderError(GradlabError, RuntimeError):
    """`backward` without a `forward` before it. The message says which call is missing."""


class StateDictError(GradlabError, KeyError):
    """A state_dict that does not fit a module. The message lists the names and shapes that differ."""

    def __str__(self) -> str:
        # KeyError would print the repr of the message, quotes included.
        return str(self.args[0]) if self.args else ""
