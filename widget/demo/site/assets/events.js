"use strict";
// What a site's own script can hear from the chat elements.
for (const name of ["ready", "change", "open", "close", "error"]) {
  addEventListener(`ece-chat-${name}`, (event) => {
    const line = document.createElement("li");
    const decision = event.detail ?? {};
    const who = decision.entryPoint ?? event.target.getAttribute?.("entry-point") ?? "";
    line.textContent = `ece-chat-${name} ${who} ${decision.state ?? ""} ${decision.position == null ? "" : `position ${decision.position}`}`;
    const list = document.querySelector("#events");
    list.prepend(line);
    while (list.childElementCount > 30) list.lastElementChild.remove();
  });
}
