"""Makes the pictures on Home: each application's real core on its synthetic sample, with the default model.

Run ``python samples/make_results.py`` after the samples or the models changed. It writes ``samples/results/``: one
JPEG and one JSON (model, date, sample, what was found) for each application.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gallery.domains import DOMAINS, Domain
from gallery.errors import SampleUnavailable
from gallery.results import Analysis
from gallery.samples import Sample, fetch, samples
from gallery.ui.home_pictures import FOLDER
from gallery.wording import percent
from gallery.zoo import offline, registry

#: Pixels of a picture on Home; sharp on a screen of twice the usual density.
WIDTH, HEIGHT = 960, 600
_GROUND, _INK, _QUIET, _ACCENT = (16, 30, 36), (240, 245, 246), (150, 170, 176), (86, 180, 233)


def main(arguments: list[str] | None = None) -> int:
    """Make the results of the domains that are named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domains", nargs="*", metavar="DOMAIN")
    parser.add_argument("--out", type=Path, default=FOLDER)
    args = parser.parse_args(arguments)
    offline.apply()
    args.out.mkdir(parents=True, exist_ok=True)
    for domain_id in args.domains or DOMAINS:
        make(DOMAINS[domain_id], args.out)
    return 0


def make(domain: Domain, out: Path) -> None:
    """Run one application on a sample without real people and write what Home shows of it."""
    sample, analysis, picture = first_answer(domain)
    picture.save(out / f"{domain.id}.jpg", "JPEG", quality=84, optimize=True)
    about = {
        "domain": domain.id,
        "model": registry.load().get(analysis.model.id).title,
        "model_id": analysis.model.id,
        "sha256": analysis.model.sha256,
        "date": datetime.date.today().isoformat(),
        "sample": sample.title,
        "sample_id": sample.id,
        "synthetic": sample.synthetic,
        "summary": summary(analysis),
        "result": short(analysis),
    }
    (out / f"{domain.id}.json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{domain.id}: {about['summary']}")


def first_answer(domain: Domain) -> tuple[Sample, Analysis, Any]:
    """The first synthetic sample to which the model has an answer, its analysis and the picture of it.

    Raises:
        SampleUnavailable: there is none.
    """
    for sample in samples(domain.id):
        if sample.synthetic and not sample.people:
            analysis, picture = run(domain, sample)
            if domain.id != "cells" or domain.module().verdict(analysis).certain:
                return sample, analysis, picture
    raise SampleUnavailable(f"No sample of {domain.title} can stand on Home.", "Make one with samples/make.")


def run(domain: Domain, sample: Sample) -> tuple[Analysis, Any]:
    """The analysis, and the picture of it."""
    from PIL import Image

    path = fetch(sample)
    module = domain.module()
    if domain.media == "audio":
        from gallery.media.audio import read_audio

        recording = read_audio(path, path.name)
        analysis = module.analyse(recording, module.Options())
        return analysis, speech_picture(recording.samples, analysis)
    from gallery.draw.boxes import annotate
    from gallery.media.image import OVERHEAD, PHOTO, read_image

    picture = read_image(path, path.name, OVERHEAD if domain.id == "satellite" else PHOTO)
    analysis = module.analyse(picture, module.Options())
    if domain.id == "cells":
        return analysis, cell_picture(Image.fromarray(picture.pixels), analysis)
    return analysis, fitted(Image.fromarray(annotate(picture.pixels, analysis)))


def fitted(image: Any) -> Any:
    """The middle of a picture, cut to the shape of a card."""
    from PIL import ImageOps

    return ImageOps.fit(image, (WIDTH, HEIGHT))


def cell_picture(image: Any, analysis: Analysis) -> Any:
    """The cell on the left, its most likely kinds on the right."""
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    canvas = Image.new("RGB", (WIDTH, HEIGHT), _GROUND)
    canvas.paste(ImageOps.fit(image.convert("RGB"), (HEIGHT, HEIGHT)), (0, 0))
    pen = ImageDraw.Draw(canvas)
    left, right = HEIGHT + 36, WIDTH - 36
    for place, each in enumerate(analysis.classes[:5]):
        y = 76 + place * 98
        ink, font = _INK if place == 0 else _QUIET, ImageFont.load_default(30)
        share = percent(each.score).replace("over ", ">").replace("under ", "<")  # the panel is narrow
        pen.text((left, y), each.label, fill=ink, font=font)
        pen.text((right, y), share, fill=ink, font=font, anchor="ra")
        pen.rounded_rectangle((left, y + 44, right, y + 56), 6, fill=(40, 58, 66))
        pen.rounded_rectangle((left, y + 44, left + max(12, (right - left) * each.score), y + 56), 6, fill=_ACCENT)
    return canvas


def speech_picture(sound: Any, analysis: Analysis) -> Any:
    """The loudness of the recording over time, and what was understood."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    canvas = Image.new("RGB", (WIDTH, HEIGHT), _GROUND)
    pen = ImageDraw.Draw(canvas)
    bars, middle = 96, 170
    loud = np.array([np.abs(part.astype(np.int32)).max(initial=0) for part in np.array_split(sound, bars)])
    loud = loud / max(1, loud.max())
    step = (WIDTH - 120) / bars
    for i, height in enumerate(loud):
        x, y = 60 + i * step, max(3.0, 110 * float(height) ** 0.7)
        pen.rounded_rectangle((x, middle - y, x + step * 0.55, middle + y), 3, fill=_ACCENT)
    font = ImageFont.load_default(38)
    lines: list[str] = []
    for word in (analysis.text or "").split():
        if lines and pen.textlength(f"{lines[-1]} {word}", font=font) <= WIDTH - 120:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) > 5:
        lines = [*lines[:4], lines[4] + " …"]
    for place, line in enumerate(lines):
        pen.text((60, 320 + 52 * place), line, fill=_INK, font=font)
    return canvas


def summary(analysis: Analysis) -> str:
    """What was found, in one sentence."""
    if analysis.domain == "speech":
        return analysis.text or "no speech"
    if analysis.domain == "cells":
        return f"{analysis.classes[0].label}, {percent(analysis.classes[0].score)}"
    found = ", ".join(f"{count} {label}" for label, count in analysis.counts().items()) or "nothing"
    return found + (f"; {len(analysis.alerts)} alerts" if analysis.alerts else "")


def short(analysis: Analysis) -> Any:
    """What a test compares when the results are made again."""
    if analysis.domain == "speech":
        return analysis.text
    if analysis.domain == "cells":
        return analysis.classes[0].label
    return analysis.counts()


if __name__ == "__main__":
    sys.exit(main())
