"use strict";
// A single-page site in its simplest form: every step replaces the whole <body>.
const steps = {
  frame: ["Frame", "Each step replaces the whole body of the page, as single-page sites do. The chat button stays.", "colour"],
  colour: ["Colour", "Moss, clay, or lake. All three are powder coat over galvanised steel.", "extras"],
  extras: ["Extras", "Racks, a child-seat mount, a second battery.", "frame"],
};
const show = (name) => {
  const [title, text, next] = steps[name] ?? steps.frame;
  const body = document.createElement("body");
  for (const child of document.body.children) {
    if (child.matches("header, main, footer")) body.append(child.cloneNode(true));
  }
  body.querySelector("#step-title").textContent = title;
  body.querySelector("#step-text").textContent = text;
  body.querySelector("#step-next").dataset.step = next;
  body.querySelector("#step-next").href = `?step=${next}`;
  document.body.replaceWith(body);
};
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-step]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  show(link.dataset.step);
  document.querySelector("#step-title").focus();
});
addEventListener("popstate", () => show(new URLSearchParams(location.search).get("step") ?? "frame"));
