"""The web app: ``python -m gallery`` starts it (or ``streamlit run app.py``)."""

from __future__ import annotations

from gallery.ui import frame

frame.run()
