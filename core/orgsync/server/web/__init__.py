"""Pages for people: templates, what they look like, and the headers that keep them to themselves."""

from . import plots, words
from .rendering import html_page, static_files

__all__ = ["html_page", "plots", "static_files", "words"]
