/* The survey's form works without this script. With it: questions come and go with the answers, typed text is counted,
 * phones get one question at a time, and a draft stays in this tab (sessionStorage of our own origin) until the thanks.
 *
 * A question's id is also its field's name, so a form may have a field called "elements" or "querySelector" that hides
 * the form's own member of that name. For that reason nothing here is ever read from the form element itself.
 */
(() => {
  "use strict";

  const DRAFT = "ece-widget survey " + location.pathname.slice(-24);

  const storage = (work) => {
    try {
      return work(window.sessionStorage);
    } catch {
      return null; // storage may be refused, as in a frame on another site, or full
    }
  };

  /* The page may be a window, a tab, or a frame of the chat button's, which listens for the message. */
  const offerToClose = () => {
    const actions = document.querySelector("[data-close-actions]");
    const byHand = document.querySelector("[data-close-by-hand]");
    if (!actions || !byHand) return;
    actions.hidden = false;
    byHand.hidden = true;
    actions.querySelector("button").addEventListener("click", () => {
      if (window.parent === window) window.close();
      else window.parent.postMessage("ece-chat-close", "*"); // nothing secret in it
      setTimeout(() => {
        actions.hidden = true;
        byHand.hidden = false; // still here: nobody could close it
      }, 500);
    });
  };

  if (document.querySelector("[data-survey-done]")) {
    storage((session) => session.removeItem(DRAFT));
    offerToClose();
  }
  const survey = document.querySelector("[data-survey]");
  if (!survey) return;

  const questions = [...survey.querySelectorAll("[data-question]")];
  const fieldsOf = (question) => [...question.querySelectorAll("input, textarea")];
  const isText = (field) => field.tagName === "TEXTAREA" || field.type === "text";
  const numbers = new Intl.NumberFormat(document.documentElement.lang);

  const answers = (question) =>
    fieldsOf(question)
      .filter((field) => !field.disabled && (isText(field) ? field.value.trim() : field.checked && field.value))
      .map((field) => field.value);

  /* One walk from top to bottom is enough: conditions name earlier questions only. */
  const branch = () => {
    const given = new Map();
    for (const question of questions) {
      const conditions = JSON.parse(question.dataset.showIf || "{}");
      const shown = Object.entries(conditions).every(([asked, wanted]) =>
        (given.get(asked) || []).some((answer) => wanted.includes(answer)),
      );
      question.hidden = !shown;
      for (const field of fieldsOf(question)) field.disabled = !shown;
      ownAnswer(question, shown);
      given.set(question.dataset.question, shown ? answers(question) : []);
    }
  };

  const ownAnswer = (question, shown) => {
    const own = question.querySelector("[data-own-answer]");
    const other = question.querySelector("[data-other]");
    if (!own || !other) return;
    own.hidden = !other.checked;
    own.querySelector("input").disabled = !shown || !other.checked;
  };

  /* Count as the server does: characters, not UTF-16 units, and a line end as one. */
  const length = (field) => [...field.value.replace(/\r\n?/g, "\n")].length;
  const tooLong = (field) => isText(field) && !field.disabled && length(field) > Number(field.dataset.limit);

  const count = (field) => {
    const left = Number(field.dataset.limit) - length(field);
    const hint = document.getElementById(field.id + "-limit");
    const words = left < 0 ? field.dataset.over : field.dataset.left;
    hint.textContent = words.replace("{count}", numbers.format(Math.abs(left)));
    hint.classList.toggle("over", left < 0);
    // said aloud only near the end, and once the typing pauses
    clearTimeout(count.timer);
    if (left <= 20) count.timer = setTimeout(() => (spoken.textContent = hint.textContent), 1000);
  };

  const spoken = document.createElement("p");
  spoken.className = "unseen";
  spoken.setAttribute("role", "status");

  const draft = () => storage((session) => JSON.parse(session.getItem(DRAFT) || "{}")) || {};

  const keepDraft = () => {
    const kept = draft();
    for (const question of questions) {
      for (const field of fieldsOf(question)) delete kept[field.name];
      for (const field of fieldsOf(question)) {
        if (isText(field) ? field.value : field.checked) (kept[field.name] ||= []).push(field.value);
      }
    }
    storage((session) => session.setItem(DRAFT, JSON.stringify(kept)));
  };

  const restoreDraft = () => {
    const kept = draft();
    for (const question of questions) {
      const fields = fieldsOf(question);
      if (fields.some((field) => (isText(field) ? field.value : field.checked))) continue;
      for (const field of fields) {
        const values = kept[field.name];
        if (!Array.isArray(values)) continue;
        if (isText(field)) field.value = String(values[0] ?? "");
        else field.checked = values.includes(field.value);
      }
    }
  };

  /* One question at a time. Other questions stay in the form, only out of sight. */
  const narrow = window.matchMedia("(max-width: 30rem)");
  const pageProgress = survey.querySelector(".progress");
  const progress = document.createElement("div");
  const progressWords = document.createElement("p");
  const progressBar = document.createElement("progress");
  const next = document.createElement("button");
  const back = document.createElement("button");
  const actions = survey.querySelector(".actions");
  const send = actions.querySelector("button:not([name])");
  const pageBack = actions.querySelector("button[name]");
  let current = questions[0];

  const buildSteps = () => {
    progress.className = "progress";
    progressWords.id = "question-progress";
    progressBar.max = survey.dataset.total;
    progressBar.setAttribute("aria-labelledby", progressWords.id);
    progress.append(progressWords, progressBar);
    next.type = back.type = "button";
    next.className = "button";
    back.className = "button quiet";
    next.textContent = survey.dataset.next;
    back.textContent = survey.dataset.back;
    if (pageProgress) pageProgress.after(progress);
    else questions[0].before(progress);
    actions.prepend(back);
    send.before(next);
    next.addEventListener("click", () => go(1));
    back.addEventListener("click", () => go(-1));
  };

  const path = () => questions.filter((question) => !question.hidden);
  const stepwise = () => narrow.matches && path().length > 1;

  const showSteps = () => {
    const shown = path();
    const on = stepwise();
    if (!shown.includes(current)) current = shown[0];
    const place = shown.indexOf(current);
    const last = place === shown.length - 1;
    for (const question of questions) question.classList.toggle("away", on && question !== current);
    progress.hidden = !on;
    if (pageProgress) pageProgress.hidden = on;
    // Numbers of the whole survey: the last one stays the same whichever questions come and go.
    progressWords.textContent = survey.dataset.progress
      .replace("{number}", numbers.format(current.dataset.number))
      .replace("{count}", numbers.format(survey.dataset.total));
    progressBar.value = current.dataset.number;
    next.hidden = !on || last;
    back.hidden = !on || place === 0;
    send.hidden = on && !last;
    if (pageBack) pageBack.hidden = on && place > 0;
  };

  const go = (by) => {
    if (by > 0 && !passes(current)) return;
    const shown = path();
    current = shown[Math.max(0, Math.min(shown.length - 1, shown.indexOf(current) + by))];
    showSteps();
    current.focus();
    current.scrollIntoView({ block: "nearest" });
  };

  /* The question that a fault of the summary is about may be out of sight, and so may its field be. */
  const goToFault = (event) => {
    const field = document.getElementById(event.currentTarget.getAttribute("href").slice(1));
    const question = field && field.closest("[data-question]");
    if (!question || question.hidden) return;
    event.preventDefault();
    current = question;
    showSteps();
    field.focus();
    if (document.activeElement !== field) question.focus();
    question.scrollIntoView({ block: "nearest" });
  };

  /* The server checks everything; this only saves a phone the way there and back. */
  const passes = (question) => {
    const fields = fieldsOf(question);
    const long = fields.find(tooLong);
    const required = question.hasAttribute("aria-required") || question.querySelector("[aria-required]");
    const missing = required && answers(question).length === 0;
    let fault = question.querySelector(".fault");
    if (!long && !missing) {
      if (fault) fault.remove();
      return true;
    }
    if (!fault) {
      fault = document.createElement("p");
      fault.className = "fault";
      fault.id = "q-" + question.dataset.question + "-fault";
      question.querySelector("legend, label").after(fault);
    }
    fault.textContent = long ? document.getElementById(long.id + "-limit").textContent : survey.dataset.required;
    const described = question.tagName === "FIELDSET" ? question : fields[0];
    const ids = (described.getAttribute("aria-describedby") || "").split(/\s+/).filter((id) => id && id !== fault.id);
    described.setAttribute("aria-describedby", [fault.id, ...ids].join(" "));
    if (question.getAttribute("role") === "radiogroup") question.setAttribute("aria-invalid", "true");
    else for (const field of fields) field.setAttribute("aria-invalid", "true");
    (long || fields[0]).focus();
    return false;
  };

  const update = () => {
    branch();
    showSteps();
  };

  survey.addEventListener("input", (event) => {
    if (event.target.dataset.limit) count(event.target);
    update();
    keepDraft();
  });
  survey.addEventListener("change", () => {
    update();
    keepDraft();
  });

  /* Enter in a field goes on to the next question; only in the last does it do what the button does. */
  const goOn = (field) => {
    const shown = path();
    const question = field.closest("[data-question]");
    const following = shown[shown.indexOf(question) + 1];
    if (stepwise() && following) return go(1);
    if (!following) return send.click();
    const answered = fieldsOf(following).find((each) => each.checked);
    (answered || fieldsOf(following).find((each) => !each.disabled)).focus();
    following.scrollIntoView({ block: "nearest" });
  };

  survey.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    goOn(event.target);
  });

  let sending = false;
  survey.addEventListener("submit", (event) => {
    if (sending) {
      event.preventDefault();
    } else {
      sending = true;
      setTimeout(() => (sending = false), 10000);
    }
  });
  window.addEventListener("pageshow", () => {
    sending = false;
    update();
    const faulty = document.getElementById(survey.dataset.firstFault);
    if (faulty && document.activeElement === document.body) faulty.focus(); // autofocus may be refused in a frame
  });

  survey.classList.add("scripted");
  survey.append(spoken);
  if (survey.dataset.restorable === "true") restoreDraft();
  if (questions.length) {
    buildSteps();
    const faulty = document.getElementById(survey.dataset.firstFault);
    if (faulty) current = faulty.closest("[data-question]");
    branch();
    for (const field of survey.querySelectorAll("[data-limit]")) count(field);
    clearTimeout(count.timer);
    showSteps();
    narrow.addEventListener("change", showSteps);
    for (const link of survey.querySelectorAll(".notice a")) link.addEventListener("click", goToFault);
  }
  keepDraft();
})();
