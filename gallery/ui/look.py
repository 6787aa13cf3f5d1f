"""The looks that the theme in ``.streamlit/config.toml`` cannot say: widths, the grid of cards, large screens."""

from __future__ import annotations

import streamlit as st

# Only our own text: nothing from outside is ever put in here.
_STYLE = """
<style>
/* A line of text or a picture as wide as a wall helps nobody; a room needs larger type. */
[data-testid="stMainBlockContainer"] { max-width: 108rem; padding: 2.75rem 3rem 4rem; }
@media (max-width: 640px) { [data-testid="stMainBlockContainer"] { padding: 3.25rem 1rem 3rem; } }
@media (min-width: 2400px) { html { font-size: 24px; } [data-testid="stSidebar"] { min-width: 16rem; } }
/* Streamlit's "Stop" beside its running man would freeze a page in mid-run; each page has a progress bar and Cancel.
   A connection that was lost is still said. */
[data-testid="stStatusWidget"]:not(:has([data-testid="stConnectionStatus"])) { display: none; }
h1 { letter-spacing: -0.015em; text-wrap: balance; }
h2, h3 { letter-spacing: -0.005em; }
.st-key-lead p { font-size: 1.15rem; line-height: 1.5; max-width: 60rem; }
.st-key-lead { margin-top: -0.9rem; }

/* The picture comes first: as large as the window allows, never larger, in the middle of its frame. */
.st-key-picture { background: color-mix(in srgb, currentColor 5%, transparent); border-radius: 0.8rem;
  padding: 0.6rem; align-items: center; }
.st-key-picture img { max-height: 76vh !important; width: auto !important; max-width: 100% !important;
  border-radius: 0.45rem; }

.st-key-picture { position: relative; gap: 0 !important; }

/* Videos, and what is seen of them while they are gone through: as pictures. */
.st-key-clip, [class*="st-key-clip-look"] { align-items: center; }
.st-key-clip video, [class*="st-key-clip-look"] img { max-height: 70vh !important; max-width: 100% !important;
  border-radius: 0.45rem; object-fit: contain; }
/* Streamlit leaves what stood there before until a script ends. A video takes minutes, so meanwhile it goes; not at
   once, because at each rerun everything is old for a moment. */
[data-testid="stMain"]:has([class*="st-key-clip-look"]) :is([data-stale="true"],
  :is([data-testid="stExpander"], .st-key-picture, .st-key-clip):has([data-stale="true"])) {
  animation: gallery-gone 0s linear 1.2s forwards; }
@keyframes gallery-gone { to { display: none; position: absolute; opacity: 0; pointer-events: none; } }

/* Figures in equal boxes, as many beside each other as fit. */
[class*="st-key-counts"] { display: grid !important; gap: 0.6rem !important;
  grid-template-columns: repeat(auto-fill, minmax(7.4rem, 1fr)); }
[class*="st-key-counts"] > * { width: 100% !important; }
[class*="st-key-counts"] [data-testid="stMetric"] > div { padding: 0.6rem 0.9rem; }
[data-testid="stAlert"] ul { padding: 0 0 0.35rem 0.2rem; margin-bottom: 0; }
[data-testid="stAlert"] li { margin-left: 0.8rem; }

/* Arrows between files: their names are for screen readers and stand in the tooltip. */
.st-key-steps button [data-testid="stMarkdownContainer"] { position: absolute; width: 1px; height: 1px;
  overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

/* Colours of the classes, under the picture. */
.gallery-legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; font-size: 0.875rem; }
.gallery-legend .entry { display: inline-flex; align-items: center; gap: 0.4rem; }
.gallery-legend .swatch { width: 0.8rem; height: 0.8rem; border-radius: 0.2rem; flex: none;
  border: 1px solid color-mix(in srgb, currentColor 55%, transparent); }

/* Home: six equal cards in three, two or one column, so that no row is left with a gap. */
.st-key-cards { display: grid !important; gap: 1.25rem !important; align-items: stretch;
  grid-template-columns: minmax(0, 1fr); }
@media (min-width: 700px) { .st-key-cards { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (min-width: 1100px) { .st-key-cards { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
.st-key-cards > * { width: 100% !important; max-width: none !important; height: 100%; }
[class*="st-key-card-"] { height: 100%; }
[class*="st-key-card-"] img { aspect-ratio: 16 / 10; object-fit: cover; width: 100% !important;
  border-radius: 0.45rem; }
[class*="st-key-card-"] [data-testid="stImageContainer"] { width: 100% !important; }
[class*="st-key-card-"] h3 { padding-top: 0.35rem; padding-bottom: 0; }
[class*="st-key-card-"]:not(.st-key-card-here) > :last-child:not(:first-child) { margin-top: auto; }

/* Streamlit's page links as buttons, where they start something. */
[class*="st-key-try-"] a { background: var(--gallery-accent); border-radius: 0.6rem; justify-content: center;
  padding: 0.5rem 1rem; min-height: 2.75rem; }
[class*="st-key-try-"] a, [class*="st-key-try-"] a * { color: var(--gallery-on-accent) !important; font-weight: 600; }
[class*="st-key-try-"] a:hover { filter: brightness(1.08); }
:root { --gallery-accent: #00697A; --gallery-on-accent: #FFFFFF; }

.st-key-transcript { max-height: 70vh; overflow-y: auto; }
.st-key-transcript p { font-size: 1.3rem; line-height: 1.6; max-width: 60rem; }
.st-key-verdict h2 { font-size: 2.4rem; padding-top: 0; }
button, a { touch-action: manipulation; }
@media (prefers-reduced-motion: reduce) { * { animation-duration: 0.01ms !important; transition: none !important; } }
@media print { [data-testid="stSidebar"], [data-testid="stHeader"] { display: none; } }
</style>
"""


def apply() -> None:
    """Put the style sheet into the page."""
    st.html(_STYLE)
