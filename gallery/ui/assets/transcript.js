// Keeps the lines of live speech on the page: a line that is final is added once and announced to screen readers, the
// partial line below changes in place and is not.
export default function ({ data, parentElement }) {
  const list = parentElement.querySelector(".lines");
  const partial = parentElement.querySelector(".partial");
  const empty = parentElement.querySelector(".empty");
  const box = parentElement.querySelector(".box");
  if (!list || !data) return;
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;

  const line = ({ id, at, words }) => {
    const element = document.createElement("p");
    element.dataset.id = id;
    const time = document.createElement("span");
    time.className = "time";
    time.textContent = at;
    element.append(time);
    words.forEach(([text, unsure]) => {
      const word = document.createElement(unsure ? "mark" : "span");
      word.textContent = text;
      element.append(" ", word);
    });
    return element;
  };
  const wanted = new Set(data.lines.map((each) => each.id));
  [...list.children].forEach((each) => wanted.has(each.dataset.id) || each.remove());
  const present = new Map([...list.children].map((each) => [each.dataset.id, each]));
  data.lines.forEach((each, place) => {
    const element = present.get(each.id) ?? line(each);
    if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null);
  });

  if (partial.textContent !== data.partial) partial.textContent = data.partial;
  empty.textContent = data.lines.length || data.partial ? "" : data.empty;
  parentElement.querySelector(".status").textContent = data.status;
  parentElement.querySelector(".dot").className = `dot ${data.on ? "on" : ""}`;
  const meter = parentElement.querySelector(".meter");
  meter.style.visibility = data.on ? "visible" : "hidden";
  meter.setAttribute("aria-label", data.level_label);
  meter.setAttribute("aria-valuenow", String(data.level));
  meter.firstElementChild.style.width = `${data.level}%`;
  if (atEnd) box.scrollTop = box.scrollHeight;
}
