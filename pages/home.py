"""Home: what the gallery is, and a way into each application."""

from __future__ import annotations

from gallery.ui import frame, home_page

frame.page(home_page.show)
