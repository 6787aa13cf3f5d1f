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

  look();
  navigator.mediaDevices?.addEventListener?.("devicechange", look);
  const again = setInterval(look, 2000);
  return () => {
    gone = true;
    clearInterval(again);
    navigator.mediaDevices?.removeEventListener?.("devicechange", look);
  };
}
