"""Every error that a person can meet, each with what to do about it.

An error here carries two sentences: ``problem`` (what is wrong) and ``remedy`` (what to do). Pages and the command
line show ``str(error)`` as it is, so both are written for the person who uses the gallery, never for its developer.
Each class also inherits the builtin that a caller of the library would expect to catch.
"""

from __future__ import annotations


class GalleryError(Exception):
    """Base of all errors that a person can meet.

    Args:
        problem: what is wrong, as one sentence, in words a person understands.
        remedy: what to do about it, as one sentence.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem.strip()
        self.remedy = remedy.strip()
        super().__init__(f"{self.problem} {self.remedy}".strip())

    def __str__(self) -> str:  # KeyError would quote the message
        return f"{self.problem} {self.remedy}".strip()


class OptionError(GalleryError, ValueError):
    """A setting is outside what the gallery can do."""


# --- what a person brings -------------------------------------------------------------------------------------------


class MediaError(GalleryError, ValueError):
    """A file cannot be used."""


class EmptyMedia(MediaError):
    """The file has no bytes, or no picture or sound inside."""


class UnreadableMedia(MediaError):
    """The file is damaged, or is not what its name says."""


class UnsupportedMedia(MediaError):
    """The file is sound, but of a kind that the gallery does not open."""


class MediaTooLarge(MediaError):
    """The file has more bytes, pixels, frames or seconds than the gallery accepts."""


class WrongLanguage(MediaError):
    """The recording is in a language that the chosen model does not know."""


# --- models ---------------------------------------------------------------------------------------------------------


class ModelError(GalleryError):
    """A model cannot be used."""


class UnknownModel(ModelError, LookupError):
    """No model of that name is in the registry."""


class ModelUnavailable(ModelError, FileNotFoundError):
    """The weights are not on this machine and no source served them."""


class WeightsMismatch(ModelError, ValueError):
    """A file is not, byte for byte, the one the registry names; it was not loaded."""


class CheckpointRefused(ModelError, ValueError):
    """A person's own checkpoint is of a kind that could run code, or changed since its first use."""


class RuntimeUnavailable(ModelError, ImportError):
    """The chosen runtime is not installed or cannot run this model."""


class BundleError(ModelError, ValueError):
    """A bundle holds something that it should not, or lacks something that it should hold."""


class DiskFull(GalleryError, OSError):
    """There is no room left for a download or an export."""


# --- the app --------------------------------------------------------------------------------------------------------


class SampleUnavailable(GalleryError, FileNotFoundError):
    """A sample is not on this machine and no source served it."""


class PortInUse(GalleryError, OSError):
    """Another program already listens on the address."""


class Busy(GalleryError, RuntimeError):
    """More people are using the gallery than this machine can serve."""
