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
