"""Speech: what is said in a recording."""

from __future__ import annotations

from gallery.ui import frame, speech_page

frame.page(speech_page.show)
