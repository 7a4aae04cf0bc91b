"use strict";
// Without this file every form still works; with it the page follows the queue and stays where it is.
(() => {
  const said = document.querySelector("#said");
  let seen = null;
  let fadeTimer = 0;

  const say = (words, wrong = false) => {
    clearTimeout(fadeTimer);
    said.className = wrong ? "said wrong" : "said";
    said.textContent = words;
    fadeTimer = setTimeout(() => { said.textContent = ""; }, wrong ? 8000 : 2500);
  };
  const at = (state, path) => path.split(".").reduce((value, key) => (value == null ? null : value[key]), state);
  const shapes = {
    time: (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`,
    counts: (counts) => Object.entries(counts).map(([status, count]) => `${status} × ${count}`).join("  "),
  };
  const write = (element, words) => { if (element.textContent !== words) element.textContent = words; };

  const dots = (box, state) => {
    const busy = at(state, box.dataset.busy);
    const all = Math.min(40, Math.max(busy, box.dataset.of ? at(state, box.dataset.of) : busy));
    while (box.childElementCount > all) box.lastElementChild.remove();
    while (box.childElementCount < all) box.append(document.createElement("i"));
    [...box.children].forEach((dot, n) => dot.classList.toggle("busy", n < busy));
  };
  const toggle = (button, hidden) => {
    if (button.hidden === hidden) return;
    const had = document.activeElement === button;
    button.hidden = hidden;
    if (had && hidden) button.form.querySelector(`[name="${button.name}"]:not([hidden])`)?.focus();
  };
  const badge = (className, words) => {
    const span = document.createElement("span");
    span.className = `badge ${className}`;
    span.textContent = words;
    return span;
  };

  const draw = (state) => {
    for (const element of document.querySelectorAll("[data-live]")) {
      const value = at(state, element.dataset.live);
      write(element, (shapes[element.dataset.as] ?? String)(value));
    }
    for (const element of document.querySelectorAll("[data-badge]")) {
      const entryPoint = at(state, element.dataset.badge);
      element.className = `badge ${entryPoint.open ? "good" : "bad"}`;
      write(element, entryPoint.open ? "open" : entryPoint.closed_because.replaceAll("_", " "));
    }
    document.querySelectorAll("[data-busy]").forEach((box) => dots(box, state));
    const buttons = [...document.querySelectorAll("[data-show-if], [data-hide-if]")];
    const hidden = (button) => button.dataset.showIf ? !at(state, button.dataset.showIf) : Boolean(at(state, button.dataset.hideIf));
    buttons.filter((button) => !hidden(button)).forEach((button) => toggle(button, false));
    buttons.filter(hidden).forEach((button) => toggle(button, true));
    const faults = Object.entries(state.faults).map(([call, fault]) =>
      badge("bad", `${call}: ${fault.kind}${fault.times ? ` ×${fault.times}` : ""}`));
    document.querySelector("[data-faults]").replaceChildren(...(faults.length ? faults.flatMap((f) => [f, " "]) : [badge("good", "no fault is on")]));
    const now = `${state.surveys_received} ${state.complaints[0]?.at} ${state.complaints.length}`;
    if (seen !== null && seen !== now) lists();
    seen = now;
  };

  const lists = async () => {
    const box = document.querySelector("[data-lists]");
    const page = new DOMParser().parseFromString(await (await fetch("/control/lists")).text(), "text/html");
    box.replaceChildren(...page.body.childNodes);
  };

  const refresh = async () => {
    try {
      if (!document.hidden) draw(await (await fetch("/control/state")).json());
    } catch {
      say("The simulator does not answer.", true);
    }
    setTimeout(refresh, 1000);
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { accept: "application/json" } });
      const answer = await response.json();
      if (!response.ok) {
        say(answer.faults.map((fault) => `${fault.field} ${fault.message}`.trim()).join("; "), true);
        return;
      }
      draw(answer);
      say(`Done: ${event.submitter?.textContent.trim() ?? "changed"}`);
      if (form.action.endsWith("/clear") || form.action.endsWith("/reset")) lists();
    } catch {
      say("The simulator does not answer.", true);
    }
  });
  refresh();
})();
