"""What the registry knows of a model, on the page of every result that the model made."""

from __future__ import annotations

import streamlit as st

from gallery.media.source import human_bytes
from gallery.results import ModelUse
from gallery.ui.text import Trusted, plain, t
from gallery.zoo import registry
from gallery.zoo.registry import Figure, ModelEntry

_RUNTIMES = {
    "openvino": "OpenVINO",
    "onnxruntime": "ONNX Runtime",
    "torch": "PyTorch",
    "ctranslate2": "CTranslate2",
    "transformers": "Transformers",
}


def runtime_name(runtime: str) -> str:
    """How a runtime calls itself."""
    return _RUNTIMES.get(runtime, runtime)


def title_of(model_id: str) -> str:
    """A model's name for people; its id when it is not of the registry."""
    known = registry.load()
    return known.get(model_id).title if model_id in known else model_id


def show(use: ModelUse) -> None:
    """The card of the model that made a result."""
    known = registry.load()
    with st.expander(t("card.title"), icon=":material/info:"):
        if use.id not in known:
            st.subheader(t("value", value=use.id), anchor=False)
            st.warning(t("card.unverified"), icon=":material/gpp_maybe:")
            st.markdown(t("card.own"))
            _served(use, None)
            return
        entry = known.get(use.id)
        st.subheader(t("value", value=entry.title), anchor=False)
        if not use.verified:
            st.warning(t("card.unverified"), icon=":material/gpp_maybe:")
        _about(entry)
        st.markdown(f"**{t('card.limits')}**")
        st.markdown("\n".join(f"- {t('value', value=limit)}" for limit in entry.limits))
        if entry.figures:
            st.markdown(f"**{t('card.figures')}**")
            st.markdown("\n".join(f"- {_figure(figure)}" for figure in entry.figures))
        _served(use, entry)


def _about(entry: ModelEntry) -> None:
    lines = [
        ("card.architecture", entry.architecture),
        ("card.training", entry.training_data),
        ("card.licence", f"{entry.licence}. {entry.licence_note}".strip().removesuffix(".") + "."),
        ("card.credit", entry.credit),
    ]
    if entry.classes:
        names = ", ".join(entry.classes)
        lines.insert(1, ("card.classes", plain("card.classes.count", count=len(entry.classes), names=names)))
    st.markdown("\n\n".join(f"**{t(key)}:** {t('value', value=value)}" for key, value in lines))


def _figure(figure: Figure) -> str:
    value = f"{figure.value:g}"
    if figure.interval:
        value += f" ({figure.interval[0]:g} – {figure.interval[1]:g})"
    kind = t(f"card.figure.{figure.kind}")
    where = figure.source or figure.command
    return f"{t('value', value=figure.name)}: **{t('value', value=value)}** – {t('value', value=figure.data)} " + (
        f"({kind}: {_link(where)})"
    )


def _link(where: str) -> Trusted:
    if where.startswith("https://") and not set(where) & set("()<>[] \"'\\"):
        return Trusted(f"[{t('value', value=where.removeprefix('https://'))}]({where})")
    return Trusted(t("value", value=where))


def _served(use: ModelUse, entry: ModelEntry | None) -> None:
    lines = [("card.runtime", runtime_name(use.runtime))]
    if use.source:
        lines.append(("card.source", use.source))
    if entry:
        lines.append(("card.size", human_bytes(entry.bytes)))
    if use.sha256:
        lines.append(("card.sha256", use.sha256))
    st.caption("  \n".join(f"{t(key)}: {t('value', value=value)}" for key, value in lines))
