// Tells the page whether this browser could give a camera or a microphone, without asking for one.
export default function ({ data, setStateValue }) {
  const kind = data.kind;
  let last = "";
  let gone = false;

  const look = async () => {
    const found = { secure: window.isSecureContext, api: Boolean(navigator.mediaDevices?.getUserMedia) };
    found.permission = "unknown";
    found.count = null;
    try {
      found.permission = (await navigator.permissions.query({ name: kind })).state;
    } catch {
      // Some browsers do not tell.
    }
    try {
      const all = await navigator.mediaDevices.enumerateDevices();
      const wanted = kind === "camera" ? "videoinput" : "audioinput";
      found.count = all.filter((device) => device.kind === wanted).length;
    } catch {
      // Not over plain http.
    }
    const told = JSON.stringify(found);
    if (gone || told === last) return;
    last = told;
    setStateValue("found", found);
  };

  // Browsers pause a live picture now and then (after a download, for one) and do not go on by themselves. Who wants it
  // held uses the page's own button.
  const play = () => {
    for (const frame of document.querySelectorAll(".st-key-live iframe")) {
      const video = frame.contentDocument?.querySelector("video");
      if (video?.srcObject && video.paused) video.play().catch(() => {});
    }
  };

  look();
  navigator.mediaDevices?.addEventListener?.("devicechange", look);
  const again = setInterval(look, 2000);
  const playing = setInterval(play, 1000);
  return () => {
    gone = true;
    clearInterval(again);
    clearInterval(playing);
    navigator.mediaDevices?.removeEventListener?.("devicechange", look);
  };
}
