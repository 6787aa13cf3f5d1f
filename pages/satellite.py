"""Satellite: objects in pictures from above."""

from __future__ import annotations

from gallery.ui import detection_page, frame

frame.page(lambda: detection_page.show("satellite"))
