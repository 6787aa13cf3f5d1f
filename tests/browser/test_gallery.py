"""The gallery in a real browser: open, run, upload, take along; and nothing in the console."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from gallery.domains import DOMAINS
from gallery.samples import fetch, samples
from tests.photos import BUS

pytestmark = pytest.mark.browser

VISION = [domain for domain in DOMAINS.values() if domain.media == "image"]


def test_home_opens_each_application_in_one_click(visitor) -> None:
    page = visitor.open("")
    expect(page.get_by_role("heading", level=1)).to_have_text("Deep Learning Gallery")
    for domain in DOMAINS.values():
        visitor.open("")
        page.locator(f".st-key-try-{domain.id} a").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(domain.title)
        visitor.settled()
        assert not page.get_by_test_id("stAlertContentError").count()


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_cold_address_shows_the_page_with_its_sample(visitor, domain: str) -> None:
    page = visitor.open(domain)
    expect(page.get_by_role("heading", level=1)).to_have_text(DOMAINS[domain].title)
    links = page.get_by_test_id("stSidebarNavLink").all_inner_texts()
    assert [text.strip().split("\n")[-1] for text in links] == ["Home", *(d.title for d in DOMAINS.values())]
    expect(page.get_by_text("Sample:", exact=True)).to_be_visible()
    assert not page.get_by_test_id("stAlertContentError").count()


@pytest.mark.parametrize("domain", VISION, ids=lambda domain: domain.id)
def test_an_uploaded_picture_comes_back_annotated(visitor, domain, tmp_path: Path) -> None:
    source = BUS if domain.id in ("signs", "proximity") else fetch(samples(domain.id)[0])
    with Image.open(source) as image:
        size = image.size
    upload = tmp_path / f"my picture{source.suffix}"
    upload.write_bytes(source.read_bytes())
    page = visitor.open(domain.id)
    page.locator(".st-key-input").get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(upload)
    page.locator(f".st-key-picture img[alt*='{upload.name}']").wait_for()
    visitor.settled()
    saved = json.loads(visitor.saved("JSON", tmp_path).read_text(encoding="utf-8"))
    assert [entry["file"] for entry in saved] == [upload.name]
    assert saved[0]["domain"] == domain.id and (saved[0]["width"], saved[0]["height"]) == size
    with Image.open(visitor.saved("Picture (JPEG)", tmp_path)) as jpeg:
        assert jpeg.size == size and jpeg.format == "JPEG"
    with Image.open(visitor.saved("Picture (PNG)", tmp_path)) as png:
        assert png.size == size and png.format == "PNG"
    rows = list(csv.DictReader(io.StringIO(visitor.saved("CSV", tmp_path).read_text(encoding="utf-8-sig"))))
    assert len(rows) == len(saved[0]["classes" if domain.id == "cells" else "detections"])
    shown = page.locator(".st-key-picture img")
    assert shown.evaluate("image => [image.naturalWidth, image.naturalHeight]") == list(size)


def test_a_recording_comes_back_as_subtitles(visitor, tmp_path: Path) -> None:
    source = fetch(samples("speech")[0])
    page = visitor.open("speech")
    page.locator(".st-key-input").get_by_text("Upload", exact=True).click()
    upload = tmp_path / f"my recording{source.suffix}"
    upload.write_bytes(source.read_bytes())
    page.locator("input[type=file]").set_input_files(upload)
    page.get_by_text("Until you choose a file").wait_for(state="detached")
    visitor.settled()
    saved = json.loads(visitor.saved("JSON", tmp_path).read_text(encoding="utf-8"))[0]
    assert saved["file"] == upload.name
    assert saved["segments"] and saved["duration_s"] > 0
    assert visitor.saved("Text", tmp_path).read_text(encoding="utf-8").strip()
    assert "-->" in visitor.saved("Subtitles (SRT)", tmp_path).read_text(encoding="utf-8")
    assert visitor.saved("Subtitles (VTT)", tmp_path).read_text(encoding="utf-8").startswith("WEBVTT")


def test_a_chosen_row_stands_out_in_the_picture(visitor) -> None:
    page = visitor.open("signs")
    picture = page.locator(".st-key-picture img")
    before = picture.get_attribute("src")
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    # the boxes for choosing rows are painted on a canvas, so they are found by their place
    table.locator("canvas").first.click(position={"x": 16, "y": 52}, force=True)
    expect(picture).not_to_have_attribute("src", before)
    expect(page.locator(".st-key-picture polygon[aria-pressed=true]")).to_have_count(1)


def test_a_box_that_is_pressed_in_the_picture_is_chosen_and_given_up_again(visitor) -> None:
    page = visitor.open("proximity")
    shape = page.locator(".st-key-picture polygon[aria-label^=person]").first
    shape.click()
    expect(page.locator(".st-key-picture polygon[aria-pressed=true]")).to_have_count(1)
    visitor.settled()
    shape.press("Enter")
    expect(page.locator(".st-key-picture polygon[aria-pressed=true]")).to_have_count(0)


def test_a_bad_upload_is_one_sentence(visitor, tmp_path: Path) -> None:
    upload = tmp_path / "no <b>picture</b>.jpg".replace("/", "_")
    upload.write_text("nothing to see")
    page = visitor.open("signs")
    page.locator(".st-key-input").get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(upload)
    alert = page.get_by_test_id("stAlertContentError")
    alert.wait_for()
    visitor.settled()
    assert alert.count() == 1 and upload.name in alert.inner_text()
    assert not alert.locator("b").count()


def test_several_files_are_taken_along_with_those_that_failed(visitor, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("nothing to see")
    page = visitor.open("signs")
    page.locator(".st-key-input").get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files([BUS, bad])
    following = page.get_by_role("button", name="Next file")
    following.wait_for()
    visitor.settled()
    tops = [page.get_by_role("button", name=name).bounding_box()["y"] for name in ("Previous file", "Next file")]
    assert tops[0] == tops[1]
    saved = json.loads(visitor.saved("JSON, all files", tmp_path).read_text(encoding="utf-8"))
    assert [entry["file"] for entry in saved] == [BUS.name, "bad.jpg"]
    assert set(saved[1]) == {"file", "domain", "error"}
    following.click()
    page.get_by_test_id("stAlertContentError").wait_for()
    visitor.settled()
    table = visitor.saved("CSV, all files", tmp_path).read_text(encoding="utf-8-sig")
    assert list(csv.DictReader(io.StringIO(table)))[-1]["error"]


def test_streamlits_own_stop_is_not_offered(visitor) -> None:
    page = visitor.open("speech")
    # Streamlit shows it for moments only, so one of its kind is put on the page, with its style sheet, and looked at.
    style = """test_id => {
        const one = document.createElement("div");
        one.dataset.testid = test_id;
        document.body.append(one);
        return getComputedStyle(one).display;
    }"""
    assert page.evaluate(style, "stStatusWidget") == "none"


def test_foreign_text_never_becomes_a_link(visitor, tmp_path: Path) -> None:
    upload = tmp_path / "www.evil.example me@evil.example.jpg"
    upload.write_text("nothing to see")
    page = visitor.open("signs?labels=www.evil.example,me@evil.example")
    page.get_by_test_id("stAlertContentWarning").wait_for()
    assert not page.locator("a[href*='evil']").count()
    page.locator(".st-key-input").get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(upload)
    page.get_by_test_id("stAlertContentError").wait_for()
    visitor.settled()
    assert not page.locator("a[href*='evil']").count()


def test_a_path_is_offered_on_the_computer_itself(visitor) -> None:
    page = visitor.open("signs")
    page.locator(".st-key-input").get_by_text("Path", exact=True).click()
    field = page.get_by_role("textbox", name="Full path of a file on this computer")
    field.fill(str(BUS))
    field.press("Enter")
    expect(page.locator(f".st-key-picture img[alt*='{BUS.name}']")).to_be_visible()


def test_an_address_reopens_the_same_page(visitor, tmp_path: Path) -> None:
    sample = samples("signs")[-1].id
    page = visitor.open(f"signs?sample={sample}&model=yolov8n&score=0.5&labels=car,bus")
    address = page.url
    for part in (f"sample={sample}", "model=yolov8n", "score=0.5", "labels=car"):
        assert part in address
    expect(page.get_by_role("slider")).to_have_value("0.5")
    expect(page.get_by_text(samples("signs")[-1].title).first).to_be_visible()
    tags = page.get_by_test_id("stMultiSelect")
    expect(tags).to_contain_text("car")
    expect(tags).to_contain_text("bus")
    expect(page.get_by_text("Run by")).not_to_have_count(0)
    saved = json.loads(visitor.saved("JSON", tmp_path).read_text(encoding="utf-8"))[0]
    assert saved["model"]["id"] == "yolov8n"
    assert saved["settings"]["score"] == 0.5 and saved["settings"]["labels"] == ["car", "bus"]


def test_clear_my_data(visitor, tmp_path: Path) -> None:
    page = visitor.open("signs")
    page.locator(".st-key-input").get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(BUS)
    page.get_by_test_id("stFileUploader").get_by_text(BUS.name).wait_for()
    visitor.settled()
    page.get_by_role("button", name="Clear my data").click()
    expect(page.get_by_text("Sample:", exact=True)).to_be_visible()
    page.locator(".st-key-input").get_by_text("Upload", exact=True).click()
    page.get_by_test_id("stFileUploader").first.wait_for()
    visitor.settled()
    expect(page.get_by_test_id("stFileUploader")).to_have_count(1)
    assert not page.get_by_text(BUS.name).count()


def test_the_running_source_can_be_taken_along(visitor, tmp_path: Path) -> None:
    page = visitor.open("")
    page.get_by_test_id("stSidebar").get_by_text("Source and licence").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Source and licence")
    saved = visitor.saved("Source of this running version (ZIP)", tmp_path)
    with zipfile.ZipFile(saved) as archive:
        assert "deep-learning-gallery/app.py" in archive.namelist()


@pytest.mark.parametrize("width", [390, 1280, 3840])
@pytest.mark.parametrize("path", ["", *DOMAINS])
def test_no_page_is_wider_than_the_screen(visitor, path: str, width: int) -> None:
    visitor.page.set_viewport_size({"width": width, "height": 900})
    page = visitor.open(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth - element.clientWidth") <= 0
