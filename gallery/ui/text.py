"""Every sentence of the interface, by key, so that a second language needs no second interface.

Texts are Markdown of our own. A value that is filled in comes from outside and is escaped here; only values of the
type :class:`Trusted` are taken as they are.
"""

from __future__ import annotations

from gallery.media.names import in_markdown


class Trusted(str):
    """Text of our own that may hold Markdown."""


def t(key: str, **values: object) -> str:
    """The text of a key for Markdown, with ``{names}`` filled in and escaped.

    Raises:
        KeyError: no such text.
    """
    return TEXTS[key].format(**{name: _safe(value) for name, value in values.items()})


def plain(key: str, **values: object) -> str:
    """The text of a key for places that show text as it is (tables, alternative texts, names of files)."""
    return TEXTS[key].format(**values)


def _safe(value: object) -> str:
    return value if isinstance(value, Trusted) else in_markdown(str(value))


TEXTS: dict[str, str] = {
    "value": "{value}",
    # the gallery
    "app.title": "Deep Learning Gallery",
    "app.tagline": "Five things a computer learned from examples. Try each one on your own pictures and recordings.",
    "app.local": "Everything runs on this computer. Nothing you open leaves it.",
    "nav.home": "Home",
    "nav.source": "Source and licence",
    "nav.clear": "Clear my data",
    "nav.clear.help": "Forgets everything you opened here and every result, and sets all settings back.",
    "nav.cleared": "Your files, results and settings of this visit are gone.",
    # pages
    "signs.title": "Traffic signs",
    "signs.lead": "Finds stop signs, traffic lights, people and vehicles in a street scene.",
    "signs.notice": "Of all traffic signs it knows the stop sign only; beside that traffic lights, people and "
    "vehicles.",
    "signs.use": "For driver assistance, road maintenance and traffic counts.",
    "satellite.title": "Satellite",
    "satellite.lead": "Finds planes, ships, vehicles and harbours in pictures from above.",
    "satellite.use": "For harbours, airports and land use, on pictures far larger than a screen.",
    "cells.title": "Cells",
    "cells.lead": "Names the kind of a blood cell, and says how sure it is.",
    "cells.notice": "The model knows cells of healthy donors only: this is not a cancer test and not a diagnosis.",
    "cells.use": "For training and for a first sorting in the laboratory.",
    "proximity.title": "Worker proximity",
    "proximity.lead": "Warns when a person stands too close to a vehicle.",
    "proximity.notice": "It knows people, cars, trucks, buses, motorcycles and trains, but no forklifts and no "
    "cranes. It is a first measure, not a safety device.",
    "proximity.use": "For yards, warehouses and building sites.",
    "speech.title": "Speech",
    "speech.lead": "Writes down what is said, with times.",
    "speech.use": "For minutes, subtitles and searching in recordings.",
    # home
    "home.try": "Try it",
    "home.try.help": "Opens the page and runs its sample.",
    "home.made": "Result of {model} ({date}) on “{sample}”.",
    "home.made.synthetic.image": "Result of {model} ({date}) on a synthetic picture.",
    "home.made.synthetic.audio": "Result of {model} ({date}) on a synthetic recording.",
    "date": "{day} {month} {year}",
    "date.months": "January February March April May June July August September October November December",
    "home.alt": "Result of {title}: {summary}",
    "home.installed": "On this computer",
    "home.installed.all": "All {count} models are here ({size}). The gallery works without a network.",
    "home.installed.some": "{present} of {count} models are here ({size}). Missing: {missing}.",
    "home.installed.fetch": "A missing model is fetched when a page first needs it, or with "
    "`python -m gallery models pull`.",
    "home.private.title": "Nothing leaves the machine",
    "home.private": "Pictures and recordings stay in the memory of the computer that runs the gallery; marked videos "
    "lie in a private folder there until you leave. They are not sent anywhere and not used for training. **Clear my "
    "data** in the side bar forgets all of it at once.",
    "home.model.line": "**{title}**, {size}, {state}",
    "home.present": "on this computer",
    "home.absent": "missing",
    "home.models": "All models",
    # cameras and microphones of the browser
    "devices.camera.insecure": "This page was opened over plain http, and then browsers give no camera. Open it on the "
    "computer itself (`http://localhost`), or start the gallery with `python -m gallery serve --lan` and use its https "
    "address.",
    "devices.microphone.insecure": "This page was opened over plain http, and then browsers give no microphone. Open "
    "it on the computer itself (`http://localhost`), or start the gallery with `python -m gallery serve --lan` and use "
    "its https address.",
    "devices.camera.unable": "This browser gives no camera to web pages. Open the page in another browser.",
    "devices.microphone.unable": "This browser gives no microphone to web pages. Open the page in another browser.",
    "devices.camera.denied": "The browser was told not to give its camera to this page. Allow the camera in the "
    "settings beside the address, then load the page again.",
    "devices.microphone.denied": "The browser was told not to give its microphone to this page. Allow the microphone "
    "in the settings beside the address, then load the page again.",
    "devices.camera.none": "No camera was found. Connect one, or use a sample, a file or a phone.",
    "devices.microphone.none": "No microphone was found. Connect one, or open a recording instead.",
    # video files
    "input.upload.pick.video": "Pictures (JPEG, PNG, TIFF, WebP, HEIC, BMP) or videos (MP4, MOV, WebM, MKV, AVI), one "
    "or several",
    "set.every": "Frames that are analysed",
    "set.every.1": "Every frame",
    "set.every.2": "Every 2nd frame",
    "set.every.3": "Every 3rd frame",
    "set.every.5": "Every 5th frame",
    "set.every.10": "Every 10th frame",
    "set.every.help": "Fewer frames are done sooner, but quick things may be missed or counted twice.",
    "set.score.help.clip": "Leaves out what the model is less sure of. A video has to be run again for it.",
    "set.labels.help.clip": "Leave empty for all classes. A video has to be run again for it.",
    "set.limit.help.clip": "In heights of the person concerned. A video has to be run again for it.",
    "clip.start": "Going through the video …",
    "clip.loading": "getting the model ready",
    "clip.percent": "{percent}%",
    "clip.frames": "{done} frames",
    "clip.frames.of": "{done} of about {frames} frames",
    "clip.left.moment": "a few seconds left",
    "clip.left.seconds": "about {count} seconds left",
    "clip.left.minute": "about a minute left",
    "clip.left.minutes": "about {count} minutes left",
    "clip.left.hours": "about {hours} h {minutes} min left",
    "clip.look.alt": "The video so far, with what was found marked",
    "clip.stopped": "Stopped before it was done. What was found until then is shown.",
    "clip.changed": "What is shown was run with: {settings}. The settings of this page are different now.",
    "clip.changed.running": "This run goes on with: {settings}. The settings of this page are different now.",
    "clip.again": "Run again with these settings",
    "clip.kept": "These files lie in a private folder of this computer and nowhere else. **Clear my data** removes "
    "them, and they go soon after this page was closed.",
    "clip.unexpected": "The run of this video failed in a way that the gallery did not expect. The details are in the "
    "log of the server.",
    "clip.anew": "Run again",
    "clip.settings": "Run with: {settings}.",
    "clip.set.score": "confidence at least {score}",
    "clip.set.limit": "alerts below {limit} person heights",
    "clip.set.labels": "only {labels}",
    "clip.set.all": "all classes",
    "clip.set.every.1": "every frame",
    "clip.set.every.2": "every 2nd frame",
    "clip.set.every.3": "every 3rd frame",
    "clip.set.every.5": "every 5th frame",
    "clip.set.every.10": "every 10th frame",
    "clip.set.model": "{model} on {runtime}",
    "clip.alt": "{title}: the video {name} with everything that was found marked. {counts}",
    "clip.gone": "The files of this run are not kept any more, to save room on the disk. Its numbers are below.",
    "clip.large": "The marked video is too large for the player of this page. Download it below.",
    "clip.alerts": "A person was too close to a vehicle ({count} ×):",
    "clip.alerts.alt": "Table of alerts: from, to, and what was wrong",
    "clip.alert": "Alert",
    "clip.from": "From",
    "clip.to": "To",
    "clip.time.line": "{frames} frames, {fps} a second; for each: {parts}.",
    "clip.time.decode": "reading {ms}",
    "clip.time.prepare": "preparing {ms}",
    "clip.time.infer": "network {ms}",
    "clip.time.post": "sorting {ms}",
    "clip.time.track": "following {ms}",
    "clip.time.draw": "drawing {ms}",
    "clip.time.encode": "writing {ms}",
    "clip.time.real": "That is {factor} times the speed of the video.",
    "clip.time.runtime": "Run by {runtime} on this computer.",
    "clip.at_least": "at least {count}",
    "clip.most": "{count} at once",
    "clip.others": "Also seen: {labels}.",
    "clip.counts.help": "The large number counts different objects: each is followed from frame to frame, and one that "
    "was hidden for long is counted again. The small number is the most in one frame.",
    "clip.none.help": "Lower the confidence and run again, or try another video.",
    "clip.tracks": "Who and what was seen",
    "clip.tracks.none": "Nothing was seen long enough to be followed.",
    "clip.tracks.alt": "Table of what was followed: number, class, first seen, last seen, best confidence",
    "clip.tracks.more": "The first {shown} of {count} are listed; the files have all of them.",
    "clip.first": "First seen",
    "clip.last": "Last seen",
    "clip.best": "Best confidence",
    "clip.chart": "In view over time",
    "clip.chart.x": "Seconds",
    "clip.chart.y": "At once",
    "clip.disk": "The disk has no room left for the marked video.",
    "clip.disk.remedy": "Free some space in {folder}, or name a folder on another disk in the environment variable "
    "TMPDIR and start the gallery again.",
    "down.mp4": "Marked video (MP4)",
    "down.frames.csv": "Every frame (CSV)",
    "down.frames.json": "Every frame (JSON)",
    # live camera
    "live.size": "Size",
    "live.facing": "Camera",
    "live.facing.any": "Any",
    "live.facing.environment": "Back",
    "live.facing.user": "Front",
    "live.stream.start": "Start the camera",
    "live.stream.stop": "Stop",
    "live.stream.select_device": "Choose camera",
    "live.stream.media_api_not_available": "This browser gives no camera to web pages opened like this one.",
    "live.stream.device_ask_permission": "Please allow the camera.",
    "live.stream.device_not_available": "The camera cannot be used. Another program may have it.",
    "live.stream.device_access_denied": "The browser was told not to give its camera to this page.",
    "live.stream.turn_camera_on": "Camera on",
    "live.stream.turn_camera_off": "Camera off",
    "live.stream.select_camera": "Camera",
    "live.idle": "Press **Start the camera**. The picture goes to the gallery and comes back marked; nothing is kept "
    "unless you take a snapshot or record.",
    "live.connecting": "Connecting the camera…",
    "live.ended": "The camera is off. This is what it saw last.",
    "live.paused": "Paused: the picture is held.",
    "live.figures": "{fps} marked pictures a second of the camera's {camera} ({size}); the network takes {infer} ms, a "
    "picture is marked {latency} ms after it came, {dropped} are dropped.",
    "live.failed": "The camera did not connect within {seconds} seconds. The picture travels by WebRTC over UDP, which "
    "a firewall or a VPN between this browser and the gallery may hold back; whoever runs the gallery can name a TURN "
    "server in GALLERY_ICE_SERVERS. Until then, take photos instead:",
    "live.pause": "Pause",
    "live.resume": "Go on",
    "live.snapshot": "Snapshot",
    "live.record": "Record",
    "live.record.stop": "Stop recording",
    "live.recording": "Recording: {time}",
    "live.recorded": "The last recording (at most ten minutes):",
    "live.shots": "Snapshots",
    "live.recorded.save": "Recording (MP4)",
    "live.recorded.gone": "The last recording was removed to make room.",
    "live.busy.problem": "All places for live cameras are taken.",
    "live.busy.remedy": "Wait until somebody stops, then start again.",
    "live.log": "Log: {count} since {since}",
    "live.log.time": "After",
    "live.log.what": "What",
    "live.log.who": "Who",
    "live.log.lasted": "Lasted",
    "live.log.seen": "seen",
    "live.log.near": "too close: {distance} {unit}",
    # input
    "input.mode": "Input",
    "input.sample": "Sample",
    "input.upload": "Upload",
    "input.live": "Live",
    "input.camera": "Photo",
    "input.record": "Record",
    "input.path": "Path",
    "input.sample.pick": "Sample",
    "input.upload.pick.image": "Pictures (JPEG, PNG, TIFF, WebP, HEIC, BMP), one or several",
    "input.upload.pick.audio": "Recordings (WAV, MP3, FLAC, M4A, OGG), one or several",
    "input.camera.pick": "Take a photo",
    "input.record.pick": "Record with the microphone",
    "input.path.pick": "Full path of a file on this computer",
    "input.path.help": "Opens the file where it is, without a copy. Only offered on the computer itself.",
    "input.path.missing": "There is no file {name}. Give the full path of a file that you may read.",
    "input.sample.fetched": "needs the internet the first time",
    "input.sample.away": "This sample lies on the internet and could not be fetched.",
    "input.sample.away.remedy": "Choose another sample, or connect and try again.",
    "input.sample.line": "**Sample:** {title}. {kind}{credit} Licence: {licence}.",
    "input.sample.is_synthetic": "Synthetic: made by a program, not a photograph. ",
    "input.sample.is_synthetic_speech": "Synthetic: spoken by a program. ",
    "input.yours": "Your file: **{name}**",
    "input.yours.many": "Your {count} files",
    "input.until": "Until you choose a file, the sample is shown.",
    "input.none": "There is nothing to show yet.",
    "input.none.remedy": "Upload a file of your own.",
    "input.drop": "Remove",
    "input.file": "File",
    "input.previous": "Previous file",
    "input.next": "Next file",
    "input.position": "{number} of {count}",
    "input.too_many": "Only the first {limit} of {count} files are analysed. Use the command line for more.",
    # settings
    "set.score": "Confidence at least",
    "set.score.help": "Hides what the model is less sure of. The model does not run again.",
    "set.labels": "Show only",
    "set.labels.all": "All classes",
    "set.labels.help": "Leave empty for all classes. The model does not run again.",
    "set.labels.help.proximity": "Leave empty for all classes. Alerts cover all of them, shown or not.",
    "set.limit": "Alert when closer than",
    "set.limit.help": "In heights of the person concerned. The model does not run again.",
    "set.limit.format": "%.1f person heights",
    "set.model": "Model",
    "set.model.own": "Or type the folder or the hub id of a checkpoint of your own (safetensors only).",
    "set.runtime": "Runtime",
    "set.runtime.help": "The program that runs the network. The results are the same up to rounding; the speed is not.",
    "set.advanced": "Model and runtime",
    "set.language": "Language spoken",
    "set.language.auto": "Find out",
    # running
    "run.start": "Reading and analysing …",
    "run.file": "Reading and analysing {name} …",
    "run.wait": "Waiting: {count} before you …",
    "run.many": "File {number} of {count}: {name}",
    "run.cancel": "Cancel",
    "run.cancelled": "Stopped before it was done. Start it again, or choose another file.",
    "run.again": "Start again",
    "busy.problem": "More people are using the gallery than this computer can serve at the moment.",
    "busy.remedy": "Please try again in a minute.",
    "busy.retry": "Try again",
    "error.unexpected": "Something went wrong that the gallery did not expect. Your files and settings are still "
    "here; the details are in the log of the server.",
    "error.address": "The address asked for {name} = {value}, which is not known here; it was left out.",
    "error.address.range": "The address asked for {name} = {value}; it must be a number from {least} to {most} and was "
    "left out.",
    # results
    "result.found": "Found",
    "result.none": "Nothing was found at this confidence.",
    "result.none.help": "Lower the confidence, or try another picture.",
    "result.hidden": "{count} more below the confidence or outside the classes you chose.",
    "result.others": "Other",
    "result.table": "What was found",
    "result.table.help": "Choose rows here, or press a box in the picture: the one shows the other.",
    "result.table.alt": "Table of what was found: class, confidence and position",
    "result.number": "No.",
    "result.label": "Class",
    "result.score": "Confidence",
    "result.position": "Position",
    "result.size": "Size in pixels",
    "result.distance": "Heights to vehicle",
    "result.licence": "Terms of this model: {note}.",
    "result.scaled": "Shown at {shown} of {full} pixels. The download has the full size.",
    "result.alt": "{title}: {name}, with {count} marked finds. {counts}",
    "result.alt.cells": "The cell that was classified: {name}",
    "result.warnings": "Note: {text}",
    "result.files": "All files",
    "result.files.error": "Problem",
    "result.bad": "{count} of {all} files could not be used; their lines in the table say why.",
    "time.line": "{total} in all: {parts}.",
    "time.decode": "reading {ms}",
    "time.prepare": "preparing {ms}",
    "time.infer": "network {ms}",
    "time.post": "sorting {ms}",
    "time.draw": "drawing {ms}",
    "time.runtime.audio": "Run by {runtime} on this computer.",
    "time.runtime": "Run by {runtime} on this computer. Moving a slider does not run the model again.",
    # downloads
    "down.title": "Download",
    "down.jpeg": "Picture (JPEG)",
    "down.png": "Picture (PNG)",
    "down.json": "JSON",
    "down.csv": "CSV",
    "down.srt": "Subtitles (SRT)",
    "down.vtt": "Subtitles (VTT)",
    "down.txt": "Text",
    "down.all": "all files",
    # model card
    "card.title": "About the model",
    "card.architecture": "Kind of network",
    "card.classes": "Classes",
    "card.training": "Learned from",
    "card.licence": "Licence",
    "card.credit": "Credit",
    "card.limits": "What it cannot do",
    "card.figures": "How good it is",
    "card.figure.published": "published",
    "card.figure.measured": "measured by this project",
    "card.source": "Served by",
    "card.sha256": "SHA-256 of the weights",
    "card.size": "Size",
    "card.runtime": "Run by",
    "card.unverified": "This is a checkpoint of your own. The gallery has not verified it.",
    "card.own": "The gallery knows nothing of its training data, its licence or its limits.",
    "card.classes.count": "{count}: {names}",
    # alerts
    "alert.count": "Alerts",
    "alert.none": "Nobody who was found is closer than {limit} person heights to a vehicle.",
    "alert.none.people": "No person was found. That does not mean that nobody is there.",
    "alert.none.machines": "No vehicle was found. That does not mean that none is there.",
    "alert.closest": "Closest",
    "alert.closest.value": "{distance} heights",
    "alert.more": "and {count} more",
    "alert.people": "People",
    "alert.machines": "Vehicles",
    # cells
    "cells.result": "This looks like",
    "cells.sure": "{score} sure",
    "cells.unknown": "Not a blood cell as known",
    "cells.unsure": "Not sure",
    "cells.unsure.line": "The best guess is {label} with {score}. That is below the {limit} you asked for.",
    "cells.seen": "The frame is the part of the picture that the network saw.",
    "cells.kind.ig": "immature granulocyte",
    "cells.bars": "How likely each kind is",
    "cells.score": "Name it when at least this sure",
    "cells.score.help": "Below it the answer is “not sure”. The model does not run again.",
    # speech
    "speech.text": "What was said",
    "speech.none": "Nobody speaks in this recording.",
    "speech.language": "Language",
    "speech.language.sure": "{score} sure",
    "speech.duration": "Length",
    "speech.words": "Words",
    "speech.speed": "Speed",
    "speech.speed.value": "{factor}×",
    "speech.speed.help": "How many seconds of the recording are written down in one second.",
    "speech.segments": "Line by line",
    "speech.segments.alt": "Table of what was said: start, end, text and confidence",
    "speech.start": "Start",
    "speech.end": "End",
    "speech.line": "Text",
    "speech.unsure": "Shaded words: the network was less than {limit} sure.",
    "speech.player.large": "The recording is too large for the player of this page; its text is below.",
    "speech.player.gone": "{name} cannot be read any more, so it cannot be played.",
    "speech.hidden": "{count} more below the confidence.",
    "speech.all_hidden": "Nothing was understood at this confidence. Lower it to see the text.",
    "speech.so_far": "So far",
    # live microphone
    "mic.lead": "Press **Start** and speak. The words appear while you speak; grey ones may still change.",
    "mic.start": "Start",
    "mic.stop": "Stop",
    "mic.select": "Choose the microphone",
    "mic.asks": "The browser asks whether this page may use the microphone. Please allow it.",
    "mic.denied": "The browser was told not to give its microphone to this page. Allow the microphone in the settings "
    "beside the address, then press Start again.",
    "mic.absent": "No microphone was found. Connect one, or open a recording instead.",
    "mic.unable": "This browser gives no microphone to this page.",
    "mic.off": "The microphone is off",
    "mic.connecting": "Connecting …",
    "mic.loading": "Loading the model …",
    "mic.listening": "Listening",
    "mic.speaking": "Listening: somebody speaks",
    "mic.paused": "Paused: nothing is listened to",
    "mic.ending": "Writing down the last words …",
    "mic.empty": "What you say will stand here.",
    "mic.level": "Level",
    "mic.earlier": "{count} earlier lines are not shown; the downloads have them.",
    "mic.pause": "Pause",
    "mic.resume": "Go on",
    "mic.clear": "Clear the text",
    "mic.heard": "Heard",
    "mic.heard.help": "Pauses do not count.",
    "mic.delay": "Delay",
    "mic.delay.value": "{seconds} s",
    "mic.delay.help": "From the end of a line of speech until its words are final. The pause that ends the line is "
    "part of it.",
    "mic.words": "Words",
    "mic.model": "Written down by {model}.",
    "mic.model.own": "Live speech is written down by {model}; other models and runtimes are for recordings.",
    "mic.late": "This computer does not keep up; {seconds} seconds were left out. Choose a smaller model, or record "
    "first.",
    "mic.full": "The text is full after {limit}. Download it, then press **Clear the text**.",
    "mic.lost": "No sound arrived within {seconds} seconds: the browser and the gallery could not reach each other. A "
    "firewall or a router between them may be in the way; whoever runs the gallery can set a TURN server "
    "(GALLERY_ICE_SERVERS). Until then, record here, and the recording is written down.",
    "mic.lost.record": "Record with the microphone",
    "mic.retry": "Try again",
    # source
    "source.title": "Source and licence",
    "source.text": "The gallery is free software under the **GNU Affero General Public License, version 3**. You may "
    "use, study, share and change it. Whoever uses it over a network is entitled to the source of the version that "
    "is running, which is what the button below gives you.",
    "source.zip": "Source of this running version (ZIP)",
    "source.url": "The project's home",
    "source.licence": "Text of the licence",
    "source.third": "Models, data and samples have licences of their own. They stand on each page, in “About the "
    "model” and beside each sample.",
    "source.models": "Licences of the models",
    # sharing on the local network
    "share.where": "Everything runs on the computer that shares this gallery. Nothing leaves the local network, and no "
    "other visitor sees what you open.",
    "share.title": "Open on a phone",
    "share.alt": "QR code of the address {address}",
    "share.address": "On the same network, scan the code or open **{address}**. The browser warns once, because no "
    "authority vouches for the certificate; its fingerprint is on the terminal.",
    "share.passcode": "The passcode is on the terminal of the computer that shares the gallery.",
    "share.nowhere": "That computer has no address on a local network. Connect it to one and start the gallery again.",
    # how it works
    "how.title": "How it works",
    "how.signs": """
The picture goes in as numbers: three for each pixel. It passes through about a hundred layers. The first layers react
to edges and colours, later ones to parts such as wheels, lamps and letters, the last ones to whole things. At the end
the network puts out boxes, each with a class and a confidence.

Nobody wrote rules for what a stop sign looks like. The network learned it from more than a hundred thousand photos in
which people had drawn the boxes by hand.

**What it cannot do.** It knows the classes it was taught and no others: a speed limit is not among them. It reads no
text. Very small, hidden or unusual things are missed, and a confidence is not a guarantee.
""",
    "how.satellite": """
The network is the same kind as for street scenes, but its boxes can turn, because seen from above nothing has a right
way up. A large picture is cut into overlapping tiles; each goes through the network, and finds that lie on a seam are
merged.

It learned from aerial pictures in which people marked every object with a turned box.

**What it cannot do.** It works best when a car is about 20 to 60 pixels long. It knows 15 classes. Snow, night and
radar pictures are strange to it.
""",
    "how.cells": """
The picture of one cell passes through the layers of a small network. The first layers react to edges and stain
colours, the later ones to shapes of nuclei and to granules. The last layer has one number for each kind of cell; these
become probabilities, and they were adjusted on pictures kept aside so that “90%” is right about nine times in ten.

It learned from several thousand photos that experts had named.

**What it cannot do.** It expects one stained cell in the middle of the picture. It has seen healthy donors only: no
leukaemia and no other disease. A doctor's eye is not replaced by it.
""",
    "how.proximity": """
The network finds people and vehicles. The rest is plain geometry: the middle of the lower edge of a person's box is
where the feet are, and the gap to the line on which a vehicle stands is counted in heights of that same person. So no
measuring of the camera is needed.

**What it cannot do.** It measures a distance on the picture, not on the ground, so it can warn too early and it can
warn too late: a gap that points away from the camera looks shorter than it is, and seen from above or from the side a
person right beside a long vehicle can seem far from it. Somebody whose feet are hidden is placed too high. It is a
demonstration, not a safety device.
""",
    "how.speech": """
The recording is cut into stretches with speech. Each becomes a picture of its pitches over time. One half of the
network, the encoder, turns this picture into numbers that stand for sounds and words; the other half, the decoder,
writes text from them, one piece of a word after the other, much as a phone suggests the next word.

It learned from 680,000 hours of recordings with subtitles.

**What it cannot do.** Names and rare words are often misspelt. Where several people speak at once it follows one.
Music and noise may be heard as words that nobody said.
""",
}
