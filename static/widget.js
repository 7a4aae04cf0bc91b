/*! ECE Widget: a chat button on your page. This is the readable source; it runs as it is.
 *
 *    <script async src="https://chat.example.com/widget.js" data-entry-point="sales"></script>
 *    <ece-chat entry-point="sales"></ece-chat>
 *
 * Attributes (with data- on the script; or behind the script's address, as #entry-point=sales):
 *    entry-point  which queue
 *    locale       default: the language of the page
 *    theme        default: the entry point's
 *    target       CSS selector of the element the button goes into; default: a corner of the page
 *                 (an <ece-chat> without a target stays where it stands)
 *    open         popup | tab | dock | none; default: the entry point's
 * Events on the element, bubbling: ece-chat:ready, :change (detail: the decision), :open (cancelable), :close, :error.
 * One global: eceChat.create(options), .refresh(), .open(entryPoint), .survey(url), .destroy().
 *
 * Manners: no cookie, no storage, nothing before the page is loaded and idle, no style and no script put into the page,
 * no exception thrown into it.
 *
 * The served copy has its local names shortened (widget/snippet.py): so no shorthand properties, no destructured
 * objects, and no local name that is also the name of a global.
 */
(() => {
  "use strict";

  const page = document;
  const running = page.currentScript; // null later, in modules and shadow trees
  const TAG = "ece-chat";
  const PANEL = TAG + "-panel";
  const LAUNCHER = Symbol(); // an element's property: its launcher
  const KNOWN = ["entry-point", "locale", "theme", "target", "open"];
  const ANSWER_WITHIN = 8e3;
  const KEPT_PAST_DUE = 6e4; // the last good state outlives its next check by this much, then it is hidden
  const LONGEST_PAUSE = 300; // seconds between two tries after failures
  const NAP = 3e4; // no timer runs longer: a laptop's sleep stops timers, but not the clock

  const warn = (text) => console.warn(TAG, `${text}`.slice(0, 200));
  // Whatever goes wrong in here stays in here: every way in from the page passes through this.
  const guarded =
    (work) =>
    (...given) => {
      try {
        return work(...given);
      } catch (fault) {
        warn(fault);
      }
    };
  const read = (element, name) => element.getAttribute(name) || "";
  const make = (tag, attributes, ...children) => {
    const node = page.createElement(tag);
    for (const name in attributes) node.setAttribute(name, attributes[name] || "");
    node.append(...children);
    return node;
  };
  const check = (name) => KNOWN.includes(name) || warn("unknown attribute " + name);

  // Everything below exists once in a page, however often the script is loaded.
  const define = (origin) => {
    const rules = { createHTML: (html) => html };
    const policy = window.trustedTypes?.createPolicy("ece-widget", rules) || rules;
    const present = new Set(); // the elements in the page
    const own = new Map(); // those made here, by what they ask for; they come back when the page drops them
    let life; // destroy aborts it, and the listeners outside our own elements with it
    let idle; // the page is loaded and has had a quiet moment

    const place = (element) => {
      const selector = read(element, "target");
      let spot;
      try {
        spot = page.querySelector(selector);
      } catch {} // empty or not a selector: matches nothing
      const data = element.dataset;
      if (selector && !spot && !data.placement) warn("nothing matches target " + selector);
      if (!selector && !element[LAUNCHER].own) spot = element.parentNode;
      data.placement = spot ? "inline" : "corner";
      spot ||= page.body;
      if (element.parentNode != spot) spot.append(element);
    };

    const launch = (element) => {
      const shadow = element.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      const live = make("span", { class: "ece-chat-live", role: "status" });
      let root = live; // the last answer's; its data- attributes are the words of the launcher
      let last; // the last answer, as text
      let decision;
      let changes; // the part of the decision that is worth an event
      let busy;
      let timer;
      let due = 0;
      let good; // until when the last good state may stand
      let quiet = 0; // until when nothing is announced
      let failures = 0;
      let inView = true;
      let link;
      let popup;
      let panel;
      shadow.adoptedStyleSheets = [sheet];
      shadow.append(live);

      const fire = (name, detail) =>
        element.dispatchEvent(
          new CustomEvent(TAG + ":" + name, { bubbles: true, composed: true, cancelable: true, detail: detail }),
        );

      const address = (kind) => {
        const name = read(element, "entry-point");
        if (!/^[\w-]{1,64}$/.test(name)) throw "entry-point is no name: " + name;
        return `${origin}/v1/${kind}/${name}?${new URLSearchParams({
          locale: (read(element, "locale") || (element.closest("[lang]") || page.documentElement).lang).slice(0, 99),
          theme: read(element, "theme").slice(0, 99),
        })}`;
      };

      const decide = (data) => {
        const before = changes;
        changes = JSON.stringify(data, (name, value) => (/^(asOf|nextC)/.test(name) ? null : value));
        decision = data;
        if (!before) fire("ready", data);
        if (before != changes) fire("change", data);
      };

      const render = (html) => {
        // Parsed as HTML also where the page is XHTML; nothing in it runs.
        const next = new DOMParser()
          .parseFromString(policy.createHTML(html), "text/html")
          .querySelector(".ece-chat[data-state]");
        const style = next.querySelector("template");
        const focused = shadow.activeElement;
        const data = {};
        if (style) sheet.replaceSync(style.content.textContent);
        style?.remove();
        if (root == live) shadow.append(next);
        else root.replaceWith(next);
        root = next;
        if (link) root.append(link);
        if (focused) root.querySelector("button,a")?.focus({ preventScroll: true });
        for (const name in root.dataset)
          if (!/^(an|cor|lab|openI)/.test(name))
            try {
              data[name] = JSON.parse(root.dataset[name]);
            } catch {
              data[name] = root.dataset[name] || null; // words, or nothing
            }
        decide(data);
      };

      const load = async () => {
        let pause = 0.2;
        busy = true;
        try {
          place(element);
          const url = address("launcher");
          if (!navigator.onLine) throw "offline";
          const answer = await fetch(url, {
            credentials: "omit",
            cache: "no-cache",
            signal: AbortSignal.timeout(ANSWER_WITHIN),
          });
          if (!answer.ok) throw answer.status;
          const html = await answer.text();
          // Not if the attributes have changed. Not while the button is pressed: the click would be lost with it.
          if (idle && url == address("launcher") && !element.matches(":active")) {
            if (html != last) render(html);
            last = html;
            failures = 0;
            pause = Math.min(Math.max(decision.nextCheck || 60, 2), 900);
            good = Date.now() + pause * 1200 + KEPT_PAST_DUE;
            const news = root.dataset.announce || "";
            if (!news || Date.now() > quiet) {
              if (news != live.textContent) live.textContent = news;
              quiet = Date.now() + pause * 1e3;
            }
          }
        } catch (fault) {
          if (!failures) warn(fault);
          if (fault == 404) failures = 9; // nobody knows this entry point: the slowest pace at once
          pause = Math.min(5 * 2 ** failures++, LONGEST_PAUSE);
          fire("error", fault);
        }
        busy = false;
        due = Date.now() + pause * 1e3 + Math.random() * Math.min(pause * 200, 3e4);
        tick();
      };

      const tick = guarded(() => {
        const now = Date.now();
        clearTimeout(timer);
        if (!idle || busy || !element.isConnected) return;
        if (now > good) {
          good = last = live.textContent = "";
          root.replaceChildren();
          decide({ ...decision, show: false, state: "unknown", reason: null });
        }
        if (page.hidden || (last && !inView && element.dataset.placement == "inline")) return;
        if (now < due) timer = setTimeout(tick, Math.min(due - now, NAP));
        else load();
      });

      const observer = new IntersectionObserver((entries) => {
        inView = entries.pop().isIntersecting;
        tick();
      });

      const wake = (gently) => {
        if (element.isConnected) {
          present.add(element);
          observer.observe(element);
        } else {
          present.delete(element);
          observer.disconnect();
          if (launcher.own) setTimeout(guarded(place), 50, element);
        }
        if (!gently) due = 0;
        clearTimeout(timer);
        timer = setTimeout(tick);
        if (popup?.closed) {
          popup = 0;
          fire("close");
        }
      };

      // A frame under a bar: the docked chat (which has a target name), or a survey in a modal dialog.
      const frame = (url, target) => {
        const words = root.dataset;
        const title = words.labelPanel || "Chat";
        const host = make(PANEL, { "data-placement": "panel" });
        const inner = host.attachShadow({ mode: "open" });
        const press = (kind, label, action) => {
          const node = make("button", { class: TAG + "-" + kind, "aria-label": label, title: label, autofocus: "" });
          node.onclick = action;
          return node;
        };
        const close = () => dialog.close();
        const minimize = () => {
          toggle.title = toggle.ariaLabel =
            words[dialog.toggleAttribute("data-minimized") ? "labelRestore" : "labelMinimize"];
        };
        const toggle = press("minimize", words.labelMinimize, minimize);
        // Always there: a page that refuses to be framed cannot be told from one that did load.
        const way = make("a", { class: TAG + "-link", href: url, target: target || "_blank" }, words.labelLink || url);
        const dialog = make(
          "dialog",
          { class: PANEL, "aria-label": title, lang: root.lang, dir: root.dir, "data-corner": words.corner },
          make(
            "div",
            { class: TAG + "-bar" },
            make("span", { class: TAG + "-title" }, title),
            way,
            target ? toggle : "",
            press("close", words.labelClose || "Close", close),
          ),
          make("iframe", { class: TAG + "-frame", title: title, src: url }),
        );
        way.onclick = close;
        dialog.onkeydown = (event) => {
          // Small, not closed: closing ends the chat, and Escape is easily pressed by mistake.
          if (event.key == "Escape" && target && !dialog.matches("[data-minimized]")) minimize();
        };
        dialog.onclose = () => {
          host.remove();
          panel = 0;
          fire("close");
        };
        inner.adoptedStyleSheets = [sheet];
        inner.append(dialog);
        page.documentElement.append(host); // not in the body, which a page may replace while a chat runs
        if (!target) return dialog.showModal();
        dialog.show();
        panel = () => {
          if (dialog.matches("[data-minimized]")) minimize();
          toggle.focus();
        };
      };

      const activate = () => {
        const url = address("chat");
        const target = TAG + "-" + read(element, "entry-point");
        const mode = read(element, "open") || root.dataset.openIn;
        if (!fire("open", decision) || mode == "none") return;
        if (mode == "dock") return panel ? panel() : frame(url, target);
        link?.remove();
        link = popup = 0;
        try {
          // Finds the window of that name, if there is one, and navigates nothing.
          popup = open("", target, mode == "tab" ? "" : "popup,width=450,height=650");
          if (popup.location.href == "about:blank") popup.location = url;
        } catch {} // its address cannot be read: a chat runs there, and a reload would end it
        if (popup) return popup.focus();
        link = make("a", { class: TAG + "-link", href: url, target: target }, root.dataset.labelLink || url);
        root.append(link);
        link.focus();
      };

      shadow.addEventListener(
        "click",
        guarded((event) => event.target.closest(".ece-chat-button") && activate()),
      );

      const launcher = {
        wake: wake,
        activate: activate,
        frame: frame,
        clear: () => {
          root = live;
          live.textContent = last = changes = decision = good = "";
          shadow.replaceChildren(live);
          sheet.replaceSync("");
        },
      };
      return launcher;
    };

    const create = (options) => {
      const key = [options.entryPoint || options["entry-point"], options.target] + "";
      const element = own.get(key) || make(TAG); // the same tag pasted twice asks for one button
      own.set(key, element);
      element[LAUNCHER].own = true;
      for (const name in options) {
        const attribute = name.replace(/[A-Z]/g, "-$&").toLowerCase();
        if (check(attribute) && options[name] != null) element.setAttribute(attribute, options[name]);
      }
      if (idle) place(element);
      return element;
    };

    const find = (entryPoint) =>
      [...present].find((each) => entryPoint == null || read(each, "entry-point") == entryPoint) ||
      make(TAG, { "entry-point": entryPoint });

    const start = (scripts) => {
      if (!life) {
        life = new AbortController();
        const wakeAll = (event) => {
          if (page.readyState == "complete")
            (window.requestIdleCallback || setTimeout)(
              guarded(() => {
                if (!life) return;
                idle = true;
                own.forEach(place);
                present.forEach((each) => each[LAUNCHER].wake(!/^(pages|onl)/.test(event?.type)));
              }),
              { timeout: 500 },
            );
        };
        const api = {
          create: create,
          refresh: () => present.forEach((each) => each[LAUNCHER].wake()),
          open: (entryPoint) => find(entryPoint)[LAUNCHER].activate(),
          survey: (url) => {
            url = new URL(url, origin).href;
            if (!url.startsWith(origin + "/")) throw "not at " + origin;
            find()[LAUNCHER].frame(url);
          },
          destroy: () => {
            life.abort();
            life = idle = 0;
            present.forEach((each) => each[LAUNCHER].clear());
            own.forEach((each) => {
              each[LAUNCHER].own = 0;
              each.remove();
            });
            own.clear();
            page.querySelectorAll(PANEL).forEach((each) => each.remove());
            delete window.eceChat;
          },
        };
        for (const name in api) api[name] = guarded(api[name]);
        window.eceChat = api;
        for (const type of ["load", "pageshow", "online", "focus", "visibilitychange"])
          addEventListener(type, wakeAll, { signal: life.signal });
        wakeAll();
      }
      for (const script of scripts) {
        const options = Object.fromEntries(new URLSearchParams(new URL(script.src).hash.slice(1)));
        Object.assign(options, script.dataset);
        for (const name in options) return create(options);
      }
    };

    class Chat extends HTMLElement {
      static observedAttributes = KNOWN;
      static start = start;
      constructor() {
        super();
        this[LAUNCHER] = launch(this);
      }
    }
    for (const name of ["connected", "disconnected", "attributeChanged"])
      Chat.prototype[name + "Callback"] = function () {
        guarded(this[LAUNCHER].wake)();
      };
    customElements.define(TAG, Chat);
    return start;
  };

  guarded(() => {
    const scripts = running?.src
      ? [running]
      : page.querySelectorAll('script[data-entry-point],script[src*="entry-point="],script[src*="/widget."]');
    (customElements.get(TAG)?.start || define(new URL(scripts[0].src).origin))(scripts);
  })();
})();
