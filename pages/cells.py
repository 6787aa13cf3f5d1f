"""Cells: the kind of a blood cell."""

from __future__ import annotations

from gallery.ui import cells_page, frame

frame.page(cells_page.show)
