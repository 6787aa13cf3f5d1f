"""Source and licence of the version that is running."""

from __future__ import annotations

from gallery.ui import frame, source_page

frame.page(source_page.show)
