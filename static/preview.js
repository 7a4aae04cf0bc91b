/* The designers' preview: shows what was chosen without a press on Show, and puts up the panel in pictures of it. */
(() => {
  "use strict";

  const form = document.querySelector("form");
  form?.addEventListener("change", (event) => {
    form.action = "/preview#" + event.target.id; // where the choice goes on after the page has come anew
    form.requestSubmit();
  });
  // On a narrow page the pictures come first.
  const choose = form?.querySelector("details");
  const wide = window.matchMedia("(min-width: 64rem)");
  if (choose) {
    choose.open = wide.matches || Boolean(location.hash);
    wide.addEventListener("change", () => (choose.open ||= wide.matches));
  }
  if (form && location.hash) document.getElementById(location.hash.slice(1))?.focus();

  // As the script does it on a page: `data-panel` is the time (see [data-when] in panel.html), "folded" or "survey".
  const host = document.querySelector("[data-panel]");
  const shadow = host?.shadowRoot;
  const pane = shadow?.querySelector(".ece-chat-pane");
  if (!pane) return;
  const { panel, src } = host.dataset;
  shadow.querySelector(".ece-chat").hidden = true;
  shadow.append(pane.content.cloneNode(true));
  const [dialog, back] = ["dialog", ".ece-chat-return"].map((each) => shadow.querySelector(each));
  for (const part of shadow.querySelectorAll("[data-when]")) part.hidden = part.dataset.when != panel;
  shadow.querySelector("iframe").src = src;
  if (panel == "folded") back.hidden = false;
  else if (panel == "survey") dialog.showModal();
  else dialog.show();
})();
