"""Home: what the gallery is, five results, one click into each application, and what is installed."""

from __future__ import annotations

import datetime

import streamlit as st

from gallery.domains import DOMAINS, Domain
from gallery.media.names import in_markdown
from gallery.media.source import human_bytes
from gallery.ui import home_pictures
from gallery.ui.frame import ICONS
from gallery.ui.session import store
from gallery.ui.text import Trusted, plain, t
from gallery.zoo import registry
from gallery.zoo.store import status


def show() -> None:
    """The page."""
    store().entered = "home"
    st.title(t("app.title"), anchor=False)
    with st.container(key="lead"):
        st.markdown(t("app.tagline"))
    with st.container(key="cards"):
        for domain in DOMAINS.values():
            _card(domain)
        _this_computer()
    _models()


def _card(domain: Domain) -> None:
    picture = home_pictures.load(domain.id)
    with st.container(border=True, key=f"card-{domain.id}", height="stretch"):
        if picture:
            st.image(
                picture.path,
                width="stretch",
                alt=plain("home.alt", title=t(f"{domain.id}.title"), summary=picture.summary),
            )
        st.subheader(f"{ICONS[domain.id]} {t(f'{domain.id}.title')}", anchor=False)
        st.markdown(f"{t(f'{domain.id}.lead')} {t(f'{domain.id}.use')}")
        if picture:
            made = f"home.made.synthetic.{domain.media}" if picture.synthetic else "home.made"
            st.caption(t(made, model=picture.model, date=_date(picture.date), sample=picture.sample))
        with st.container(key=f"try-{domain.id}"):
            st.page_link(
                f"pages/{domain.id}.py",
                label=t("home.try"),
                icon=":material/play_arrow:",
                width="stretch",
                query_params={"sample": picture.sample_id} if picture else None,
            )


def _date(day: datetime.date) -> Trusted:
    """A date in words; its spaces do not break."""
    month = plain("date.months").split()[day.month - 1]
    return Trusted(plain("date", day=day.day, month=month, year=day.year).replace(" ", "\u00a0"))


def _this_computer() -> None:
    entries = list(registry.load())
    missing = [entry for entry in entries if status(entry).state != "present"]
    size = human_bytes(sum(entry.bytes for entry in entries if entry not in missing))
    with st.container(border=True, key="card-here", height="stretch"):
        st.subheader(f":material/lock: {t('home.private.title')}", anchor=False)
        st.markdown(t("home.private"))
        st.subheader(f":material/hard_drive: {t('home.installed')}", anchor=False)
        if missing:
            names = ", ".join(in_markdown(f"{entry.title} ({human_bytes(entry.bytes)})") for entry in missing)
            st.markdown(
                t(
                    "home.installed.some",
                    present=len(entries) - len(missing),
                    count=len(entries),
                    size=size,
                    missing=Trusted(names),
                )
            )
            st.caption(t("home.installed.fetch"))
        else:
            st.markdown(t("home.installed.all", count=len(entries), size=size))


def _models() -> None:
    with st.expander(t("home.models"), icon=":material/deployed_code:"):
        lines = [
            t(
                "home.model.line",
                title=entry.title,
                size=human_bytes(entry.bytes),
                state=t("home.present" if status(entry).state == "present" else "home.absent"),
            )
            for entry in registry.load()
        ]
        st.markdown("\n".join(f"- {line}" for line in lines))
