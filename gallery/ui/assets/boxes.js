// Lays shapes over the picture that stands in the same container, so that a find can be pointed at and chosen.
// The picture itself is Streamlit's; without this script it stays as it is, with the boxes drawn into it.
export default function ({ data, parentElement, setTriggerValue }) {
  const SVG = "http://www.w3.org/2000/svg";
  const host = parentElement.host ?? parentElement;
  const frame = host.closest(".st-key-picture");
  const layer = parentElement.querySelector("svg");
  if (!frame || !layer || !data) return;
  layer.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
  layer.replaceChildren();

  const pick = (number) => setTriggerValue("picked", number);
  const shapes = data.shapes.map((shape, number) => {
    const element = document.createElementNS(SVG, "polygon");
    element.setAttribute("points", shape.points);
    element.setAttribute("role", "button");
    element.setAttribute("tabindex", number === 0 ? "0" : "-1");
    element.setAttribute("aria-label", shape.label);
    element.setAttribute("aria-pressed", String(shape.chosen));
    const title = document.createElementNS(SVG, "title");
    title.textContent = shape.label;
    element.append(title);
    element.addEventListener("click", () => pick(number));
    element.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step) {
        const next = shapes[(number + step + shapes.length) % shapes.length];
        element.setAttribute("tabindex", "-1");
        next.setAttribute("tabindex", "0");
        next.focus();
      } else if (event.key === "Enter" || event.key === " ") {
        pick(number);
      } else {
        return;
      }
      event.preventDefault();
    });
    return element;
  });
  // Small shapes last, so that a large one around them does not cover them.
  const order = shapes.map((_, number) => number).sort((a, b) => data.shapes[b].area - data.shapes[a].area);
  layer.append(...order.map((number) => shapes[number]));

  const place = () => {
    const image = frame.querySelector("img");
    if (!image) return;
    const to = image.getBoundingClientRect();
    const from = layer.parentElement.getBoundingClientRect();
    layer.style.left = `${to.left - from.left}px`;
    layer.style.top = `${to.top - from.top}px`;
    layer.style.width = `${to.width}px`;
    layer.style.height = `${to.height}px`;
  };
  const watch = new ResizeObserver(place);
  watch.observe(frame);
  const image = frame.querySelector("img");
  if (image) {
    watch.observe(image);
    image.addEventListener("load", place);
  }
  place();
  return () => {
    watch.disconnect();
    image?.removeEventListener("load", place);
  };
}
