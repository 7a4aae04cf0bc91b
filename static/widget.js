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
 * The served copy has its local names shortened (widget/snippet/shortening.py): so no shorthand properties, no destructured
 * objects, and no local name that is also the name of a global. It has to stay under 2,500 bytes of brotli.
 */
(() => {
  const TAG = "ece-chat";
  const PANEL = TAG + "-panel";
  const KNOWN = ["entry-point", "locale", "theme", "target", "open"];
  const ANSWER_WITHIN = 8e3;
  const KEPT_PAST_DUE = 6e4; // the last good state outlives its next check by this much, then it is hidden
  const LONGEST_PAUSE = 300; // seconds between two tries after failures
  const NAP = 3e4; // no timer runs longer: a laptop's sleep stops timers, but not the clock
  const page = document;
  const running = page.currentScript; // null later, in modules and shadow trees
  const launcher = Symbol(); // where an element keeps what it can do

  const warn = (text) => console.warn(TAG, (text + "").slice(0, 200));
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
  const known = (name) => KNOWN.includes(name) || warn("unknown " + name);
  const make = (tag, properties) => Object.assign(page.createElement(tag), properties);

  // Everything below exists once in a page, however often the script is loaded.
  const define = (origin) => {
    const rules = { createHTML: (html) => html };
    const policy = self.trustedTypes?.createPolicy("ece-widget", rules) || rules;
    const present = new Set(); // the elements in the page
    const own = new Map(); // those made here, by what they ask for; they come back when the page drops them
    let life; // destroy aborts it, and the listeners outside our own elements with it
    let idle; // the page is loaded and has had a quiet moment
    let panels = {}; // what brings each open panel forward, by target name
    let dialogue; // shows a survey in the words of the last launcher drawn

    const place = (element) => {
      const selector = read(element, "target");
      const data = element.dataset;
      let spot;
      try {
        spot = page.querySelector(selector);
      } catch {} // empty or not a selector: matches nothing
      if (element.contains(spot)) spot = 0;
      if (selector && !spot && !data.placement) warn("unknown target " + selector);
      if (!selector && !element[launcher].own) spot = element.parentNode;
      data.placement = spot ? "inline" : "corner";
      spot ||= page.body;
      element.parentNode == spot || spot.append(element);
    };

    const launch = (element) => {
      const shadow = element.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      const live = make("span", { className: "ece-chat-live", role: "status" });
      let root = make("p"); // the last answer's; its data- attributes are the words of the launcher
      let last; // the last answer, as text
      let markup; // of the panel
      let decision;
      let changes; // the part of the decision that is worth an event
      let busy;
      let timer;
      let due = 0;
      let good; // until when the last good state may stand
      let quiet = 0; // until when nothing is announced
      let failures = 0;
      let inView = 1;
      let link;
      let popup;
      shadow.adoptedStyleSheets = [sheet];
      shadow.append(live, root);
      sheet.replaceSync(":host{position:fixed!important}"); // out of the page's flow until there is an answer

      const fire = (name, detail) =>
        element.dispatchEvent(
          new CustomEvent(TAG + ":" + name, { bubbles: true, composed: true, cancelable: true, detail: detail }),
        );

      const address = (kind) => {
        const query = new URLSearchParams({
          locale: read(element, "locale") || page.documentElement.lang,
          theme: read(element, "theme"),
        });
        return origin + ("/v1/" + kind + "/" + encodeURIComponent(read(element, "entry-point")) + "?" + query).slice(0, 200);
      };

      const decide = (data) => {
        const before = changes;
        decision = data;
        changes = JSON.stringify({ ...data, asOf: 0, nextCheck: 0 });
        if (!before) fire("ready", data);
        if (before != changes) fire("change", data);
      };

      const refocus = () => root.querySelector("button,a")?.focus();

      const render = (html) => {
        // Parsed as HTML also where the page is XHTML; nothing in it runs.
        const next = new DOMParser()
          .parseFromString(policy.createHTML(html), "text/html")
          .querySelector(".ece-chat");
        const [style, pane] = next.querySelectorAll("template");
        const focused = shadow.activeElement;
        const data = {};
        if (style) sheet.replaceSync(style.content.textContent);
        if (pane) {
          markup = pane;
          dialogue = frame;
        }
        root.replaceWith(next);
        root = next;
        for (const [name, words] of Object.entries(root.dataset))
          if (!/^(an|co|l)|In/.test(name))
            try {
              data[name] = /^e/.test(name) ? words : JSON.parse(words); // an entry point may look like a number
            } catch {
              data[name] = words || null; // words, or nothing
            }
        if (link && data.show) root.append(link);
        if (focused) refocus();
        decide(data);
      };

      const hide = () => {
        last = live.textContent = "";
        good = due = root.replaceChildren(); // nothing: no state is left to expire, and the next answer is wanted at once
      };

      const load = async () => {
        let pause = .3;
        let url;
        busy = due = 1;
        try {
          place(element);
          url = address("launcher");
          const answer = await fetch(url, {
            cache: "no-cache",
            credentials: "omit",
            signal: AbortSignal.timeout(ANSWER_WITHIN),
          });
          if (!answer.ok) throw answer.status;
          const html = await answer.text();
          // Not if the attributes have changed. Not while the button is pressed: the click would be lost with it.
          if (idle && url == address("launcher") && !element.matches(":active")) {
            if (html != last) render(html);
            last = html;
            failures = 0;
            pause = Math.max(decision.nextCheck || 60, 2);
            good = Date.now() + pause * 1200 + KEPT_PAST_DUE;
            const news = root.dataset.announce;
            if (news != live.textContent && Date.now() > quiet) {
              live.lang = root.lang;
              live.textContent = news;
              quiet = Date.now() + pause * 1e3;
            }
          }
        } catch (fault) {
          if (!failures) warn(url + " " + fault);
          if (fault == 404) failures = 9; // nobody knows this entry point: the slowest pace at once
          pause = Math.min(LONGEST_PAUSE, 2 ** failures++ * 5);
          fire("error", fault);
        }
        busy = 0;
        // Zero by now if someone asked for a refresh in the meantime.
        if (due) due = Date.now() + pause * 1e3 + Math.random() * Math.min(3e4, pause * 200);
        tick();
      };

      const tick = () => {
        const now = Date.now();
        clearTimeout(timer);
        if (!idle || busy || !element.isConnected) return;
        if (now > good) {
          hide();
          decide({ ...decision, show: false, state: "unknown", reason: null });
        }
        if (page.hidden || (last && !inView)) return;
        if (now < due) timer = setTimeout(tick, Math.min(NAP, due - now));
        else load();
      };

      new IntersectionObserver((entries) => {
        inView = entries.pop().isIntersecting;
        tick();
      }).observe(element);

      // Called for whatever may have changed; gently where the last answer still stands.
      const wake = (gently) => {
        present[element.isConnected ? "add" : "delete"](element);
        element[launcher].own && setTimeout(guarded(() => idle && place(element)), 50);
        if (!gently) due = 0;
        setTimeout(tick);
        if (popup?.closed) {
          popup = 0;
          fire("close");
        }
      };

      // The panel's markup comes with the launcher: closing and folding are the browser's own. A chat is docked under
      // a target name; a survey has none and opens as a modal dialog.
      const frame = (url, target) => {
        if (panels[target]) return panels[target]();
        const host = make(PANEL);
        const inner = host.attachShadow({ mode: "open" });
        inner.append(markup.content.cloneNode(true));
        const dialog = inner.querySelector("dialog");
        const fold = inner.querySelector("details");
        inner.querySelector("a").href = inner.querySelector("iframe").src = url;
        dialog.onkeydown = (event) => {
          // Folded, not closed: closing ends the chat, and Escape is easily pressed by mistake.
          if (event.key == "Escape") fold.open = false;
        };
        // A panel that fills the screen folds when focus leaves it, which would move about unseen behind it.
        host.addEventListener("focusout", (event) => {
          if (event.relatedTarget && !dialog.offsetLeft) fold.open = false;
        });
        dialog.onclose = () => {
          panels[target] = host.remove();
          // The browser gives focus back, unless the button has been drawn anew since.
          if (page.activeElement == page.body) refocus();
          fire("close");
        };
        inner.adoptedStyleSheets = [sheet];
        page.documentElement.append(host); // not in the body, which a page may replace while a chat runs
        panels[target] = () => {
          host.isConnected || page.documentElement.append(host);
          fold.open = true;
          inner.querySelector("summary").focus();
        };
        target ? dialog.show() : dialog.showModal();
      };

      const activate = () => {
        const url = address("chat");
        const target = TAG + "-" + read(element, "entry-point");
        const mode = read(element, "open") || root.dataset.openIn;
        if (!fire("open", decision) || mode == "none") return;
        if (mode == "dock" && markup) return frame(url, target);
        link = popup = link?.remove();
        try {
          // Finds the window of that name, if there is one, and navigates nothing.
          popup = open("", target, mode == "tab" ? "" : "width=450,height=600");
          if (popup.location == "about:blank") popup.location = url;
        } catch {} // its address cannot be read: a chat runs there, and a reload would end it
        if (popup) return popup.focus();
        link = make("a", { className: "ece-chat-link", href: url, target: target, textContent: root.dataset.labelLink || url });
        root.append(link);
        link.focus();
      };

      shadow.addEventListener(
        "click",
        guarded((event) => event.target.closest(".ece-chat-button") && activate()),
      );
      return { wake: wake, activate: activate, hide: hide };
    };

    const create = (options) => {
      let element = make(TAG);
      for (const [name, value] of Object.entries(options)) {
        const attribute = name.replace(/[A-Z]/g, "-$&").toLowerCase();
        if (known(attribute) && value != null) element.setAttribute(attribute, value);
      }
      const key = read(element, "entry-point") + " " + read(element, "target");
      if (key < "-") return; // no entry point: a script that is here for elements only
      element = own.get(key) || element; // the same tag pasted twice asks for one button
      own.set(key, element);
      element[launcher].own = 1;
      idle && place(element);
      return element;
    };

    const start = (scripts) => {
      if (!life) {
        const wakeAll = (event) => {
          if (page.readyState == "complete")
            (self.requestIdleCallback || setTimeout)(
              guarded(() => {
                idle = life;
                own.forEach(place);
                for (const each of present) each[launcher].wake(!/^[op]/.test(event.type)); // online, pageshow
              }),
              { timeout: 500 },
            );
        };
        const api = {
          create: guarded(create),
          refresh: guarded(() => {
            for (const each of present) each[launcher].wake();
          }),
          open: guarded((entryPoint) => {
            let element = make(TAG); // where none is in the page
            element.setAttribute("entry-point", entryPoint);
            for (const each of present) if (read(each, "entry-point") == entryPoint) element = each;
            element[launcher].activate();
          }),
          survey: guarded((url) => {
            url = new URL(url, origin);
            if (url.origin != origin) throw "unknown " + url;
            dialogue ? dialogue(url) : open(url);
          }),
          destroy: guarded(() => {
            life.abort();
            life = idle = 0;
            panels = {};
            for (const each of present) {
              delete each.dataset.placement;
              each[launcher].hide();
            }
            own.forEach((each) => {
              each[launcher].own = each.remove();
            });
            own.clear();
            page.querySelectorAll(PANEL).forEach((each) => each.remove());
            delete self.eceChat;
          }),
        };
        self.eceChat = api;
        life = new AbortController();
        for (const type of ["focus", "online", "pageshow", "visibilitychange"])
          addEventListener(type, wakeAll, { signal: life.signal });
        wakeAll(0);
      }
      for (const script of scripts)
        create({ ...Object.fromEntries(new URLSearchParams(script.src.split("#")[1])), ...script.dataset });
    };

    class Chat extends HTMLElement {
      constructor() {
        super();
        this[launcher] = launch(this);
      }
      connectedCallback() {
        for (const name of this.getAttributeNames())
          if (!/^(class|data|aria)/.test(name) && !(name in this)) known(name);
        this[launcher].wake();
      }
      disconnectedCallback() {
        this[launcher].wake();
      }
      attributeChangedCallback(name) {
        if (/t$/.test(name)) this[launcher].hide(); // another entry-point, or target: nothing drawn fits any more
        this[launcher].wake();
      }
    }
    Chat.observedAttributes = KNOWN;
    Chat.start = start;
    customElements.define(TAG, Chat);
    return start;
  };

  guarded(() => {
    let scripts = running?.src ? [running] : page.querySelectorAll("script[data-entry-point],script[src*='#entry-point']");
    if (!scripts[0]) scripts = page.querySelectorAll("script[src*='/widget.'][src$='.js']");
    (customElements.get(TAG)?.start || define(new URL(scripts[0].src).origin))(scripts);
  })();
})();
