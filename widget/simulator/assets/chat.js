"use strict";
(() => {
  const chat = document.querySelector("#chat");
  const by = (id) => document.getElementById(id);
  const text = (name, values = {}) =>
    (chat.getAttribute(`data-text-${name}`) ?? "").replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  const agents = ["Robin", "Alex", "Sam", "Noor", "Kim"];
  const agent = agents[Math.floor(Math.random() * agents.length)];
  const ticket = by("handover").elements.ticket.value;
  let sid = null;
  let state = "new";
  let replies = 0;

  const post = async (path, body) => {
    const response = await fetch(`/simulator/chat/${path}`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
    });
    return response.json();
  };
  const put = (kind, words) => {
    const line = document.createElement("p");
    line.className = kind;
    line.dir = "auto";
    line.textContent = words;
    by("log").append(line);
    line.scrollIntoView({ block: "end" });
  };
  const status = (words) => { if (by("status").textContent !== words) by("status").textContent = words; };
  const write = (id, words) => { if (by(id).textContent !== words) by(id).textContent = words; };
  const running = () => state === "waiting" || state === "running";

  const over = (words) => {
    state = "ended";
    by("queue").hidden = by("composer").hidden = by("end").hidden = true;
    status(words);
    put("note", words);
  };
  const follow = (answer) => {
    if (answer.state === "refused") {
      over(text("refused", { reason: answer.reason }));
    } else if (answer.state === "waiting") {
      state = "waiting";
      by("queue").hidden = false;
      write("place", String(answer.position));
      write("place-words", text("place", answer));
      write("wait-words", answer.wait > 30 ? text("wait", { minutes: Math.ceil(answer.wait / 60) }) : text("soon"));
      status(text("connecting"));
    } else if (answer.state === "running" && state !== "running") {
      state = "running";
      by("queue").hidden = true;
      by("composer").hidden = false;
      by("avatar").textContent = agent[0];
      status(text("joined", { agent }));
      put("note", text("joined", { agent }));
      setTimeout(() => put("bubble", text("hello", { agent })), 500);
      by("message").focus();
    } else if (answer.state === "ended" && running()) {
      end();
    }
  };
  const end = async () => {
    const chatted = state === "running";
    state = "ended";
    try { await post("end", { sid }); } catch { /* the chat is over for the visitor in any case */ }
    if (chatted && ticket) {
      over(text("survey"));
      const form = by("handover");
      form.elements.sid.value = sid;
      form.submit();
    } else {
      over(text("ended"));
      put("note", chatted ? text("no-survey") : text("close"));
    }
  };
  const poll = async () => {
    if (!running()) return;
    try {
      const answer = await post("state", { sid });
      if (running()) follow(answer);
    } catch {
      status(text("failed"));
    }
    setTimeout(poll, 1000);
  };
  const begin = async () => {
    try {
      const answer = await post("start", { entryPointId: chat.dataset.entryPoint });
      sid = answer.sid ?? null;
      by("end").hidden = !sid;
      follow(answer);
      poll();
    } catch {
      status(text("failed"));
      setTimeout(begin, 2000);
    }
  };

  by("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const words = by("message").value.trim();
    if (!words) return;
    put("bubble mine", words);
    by("message").value = "";
    status(text("typing", { agent }));
    setTimeout(() => {
      if (state !== "running") return;
      const choices = text("replies").split("|");
      put("bubble", choices[replies++ % choices.length]);
      status(text("joined", { agent }));
    }, 900);
  });
  by("message").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      by("composer").requestSubmit();
    }
  });
  by("end").addEventListener("click", end);
  // ECE's template asks before the page is left, and ends the chat when it is.
  addEventListener("beforeunload", (event) => { if (running()) event.preventDefault(); });
  addEventListener("pagehide", () => {
    if (running()) navigator.sendBeacon("/simulator/chat/end", JSON.stringify({ sid }));
  });
  if (chat.dataset.entryPoint) begin();
})();
