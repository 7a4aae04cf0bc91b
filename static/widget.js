/* A chat button on your page.
 *
 *    <script async src="https://chat.example.com/widget.js" data-entry-point="sales"></script>
 *    <ece-chat entry-point="sales"></ece-chat>
 *
 * Attributes (with data- on the script; or in the fragment of the script's address, as #entry-point=sales):
 *    entry-point  which queue
 *    locale       default: the language of the page
 *    theme        default: the entry point's
 *    target       CSS selector of the element the button goes into; default: a corner of the page
 *                 (an <ece-chat> without a target stays where it stands)
 *    open         popup | tab | dock | none; default: the entry point's
 * Events on the element, bubbling: ece-chat-ready, ece-chat-change (detail: the decision), ece-chat-open (cancelable),
 * ece-chat-close, ece-chat-error.
 * One global: eceChat.create(options), .update(entryPoint, options), .open(entryPoint), .close(entryPoint), .show(),
 * .hide(), .refresh(), .survey(url), .destroy().
 *
 * No cookie, no storage but that a greeting was closed in this tab, nothing before the page is loaded and idle, no style
 * and no script put into the page, no exception thrown into it. This file runs as it is; the served copy is made smaller
 * and must stay under 6,000 bytes of brotli. Return values of methods that change the DOM (remove, append…) are never
 * used: pages replace such methods.
 */
(() => {
  const TAG = "ece-chat";
  const PANEL = "ece-chat-panel";
  const ATTRIBUTES = "entry-point locale theme target scheme open".split(" ");

  // Milliseconds, where nothing else is said.
  const ANSWER_WITHIN = 8_000;
  const LOADED_WITHIN = 5_000; // after the document is parsed: the load event of some pages never comes
  const STALE_FOR = 60; // seconds; where the launcher does not say
  const LONGEST_TIMER = 30_000; // a laptop that sleeps stops its timers, but not its clock
  const LONGEST_SPREAD = 30_000;
  const LONGEST_PAUSE = 300_000; // between two tries after failures
  const SOON = 300; // when an answer could not be drawn at once
  const AFTER_REFUSAL = 500;
  const POPUP = "width=450,height=600"; // features of a window
  const LONGEST_LAUNCHER = 100_000; // characters

  /* ---- The document ------------------------------------------------------------------------------------------------
   *
   * An element with a name hides the member of `document` that has the same name: after <img name="body">,
   * document.body is the image (HTML, "named access on the Document object"). The content that visitors of a page write
   * can hold such elements, so members of the document are read from its prototype, by these two functions alone.
   * A form hides its own members in the same way: what may be a form is used through Element.prototype.
   */
  const ofDocument = (member) => Reflect.get(Document.prototype, member, document);
  const askDocument = (method, argument) => ofDocument(method).call(document, argument);

  const make = (tag, properties) => Object.assign(askDocument("createElement", tag), properties);
  const read = (element, name) => element.getAttribute(name) || "";

  const warn = (text) => self.console?.warn?.(TAG, String(text).slice(0, 200));

  // Every call that comes from the page passes through this: no fault of ours becomes one of the page's.
  const guarded =
    (work) =>
    (...given) => {
      try {
        return work(...given);
      } catch (fault) {
        warn(fault);
      }
    };

  // Other tools mark our elements with a word of theirs and a hyphen, as turbo-track and _ngcontent-c1: no mistake.
  const isKnown = (attribute) => {
    if (ATTRIBUTES.includes(attribute)) return true;
    if (!/^(?!entry)\w+-/.test(attribute)) warn("unknown " + attribute);
    return false;
  };

  /* ---- What launchers are made of ----------------------------------------------------------------------------------
   *
   * The markup of an answer is written anew from these lists before it is parsed, whoever sent it: nothing in them runs,
   * and nothing loads by itself. An address is taken from a link alone, where it needs a click; the script sets the
   * address of the panel's frame.
   */
  const ELEMENTS =
    /^(a|abbr|b|bdi|br|button|circle|details|dialog|div|ellipse|em|form|g|h[1-6]|hr|i|iframe|input|li|line|ol|p|path|polygon|polyline|rect|section|small|span|strong|summary|svg|template|ul)$/;
  const VALUES = [
    [/^(class|dir|disabled|hidden|id|lang|open|part|rel|role|tabindex|title|value|aria-[a-z]+|data-[a-z-]+)$/, /^/],
    [/^href$/, /^(https?|mailto|tel):/i],
    [/^target$/, /^_blank$/],
    [/^type$/, /^(button|submit)$/],
    [/^method$/, /^dialog$/],
    [/^allow$/, /^[\w\s:./[\];-]*$/], // of the panel's frame; origins by name, no wildcard
    [
      /^(viewbox|d|points|c[xy]|r[xy]?|[xy][12]?|width|height|transform|opacity|(fill|clip|stroke)[a-z-]*)$/,
      /^(?!.*url)[\w#.,()%\s+-]*$/is, // no entity and no escape, which could spell url()
    ],
  ];
  const MARKUP =
    /<(?:!--|script|style)[^]*?(?:-->|<\/(?:script|style)\s*>|$)|<(\/?)([a-z][a-z0-9]*)((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>|[<>]/gi;
  const ATTRIBUTE = /([^\s=/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=]+)))?/g;

  const cleanAttributes = (text) => {
    let clean = "";
    for (const [, given, inDouble, inSingle, bare] of text.matchAll(ATTRIBUTE)) {
      const name = given.toLowerCase();
      const value = inDouble ?? inSingle ?? bare ?? "";
      const allowed = VALUES.some(([names, values]) => names.test(name) && values.test(value));
      if (allowed) clean += ` ${name}="${value.replaceAll('"', "&quot;")}"`;
    }
    return clean;
  };

  const cleanMarkup = (html) =>
    html.slice(0, LONGEST_LAUNCHER).replace(MARKUP, (piece, slash, tag = "", attributes) => {
      if (piece == "<") return "&lt;";
      if (piece == ">") return "&gt;";
      const name = tag.toLowerCase();
      if (!ELEMENTS.test(name)) return "";
      if (slash) return "</" + name + ">";
      // Shapes of a drawing end in a slash.
      return "<" + name + cleanAttributes(attributes) + (/\/\s*$/.test(attributes) ? "/>" : ">");
    });

  // A style sheet may not load anything either. An address written with escapes makes the sheet unusable.
  const LOADING = /(url|src|image|image-set)\(/gi;
  const cleanStyle = (css) => {
    const clean = css.replace(LOADING, "none(");
    const unescaped = clean
      .replace(/\\([\da-f]{1,6})\s*/gi, (escape, code) => String.fromCodePoint(parseInt(code, 16)))
      .replaceAll("\\", "");
    return unescaped.search(LOADING) < 0 ? clean : "";
  };

  /* ---- Drawing in place ----------------------------------------------------------------------------------------------
   *
   * Texts and attributes are changed where they differ, and a node is replaced only by one of another kind, so that a
   * button stays the one that it is: it keeps the focus, and no animation starts again.
   */
  const isAlike = (one, other) =>
    one.localName == other.localName && // of a text: undefined
    (!one.localName || one.getAttribute("class") == other.getAttribute("class"));

  const copyAttributes = (from, to) => {
    // A menu that the visitor has opened stays open.
    for (const name of to.getAttributeNames())
      if (!from.hasAttribute(name) && name != "open") to.removeAttribute(name);
    for (const name of from.getAttributeNames()) {
      const value = from.getAttribute(name);
      if (to.getAttribute(name) != value) to.setAttribute(name, value);
    }
  };

  // Make `current` the same as `next`, and use up `next`.
  const drawInPlace = (current, next) => {
    if (!next.localName) {
      if (current.data != next.data) current.data = next.data;
      return;
    }
    copyAttributes(next, current);
    const before = [...current.childNodes];
    const after = [...next.childNodes];
    for (const [index, node] of after.entries()) {
      const there = before[index];
      if (!there) current.append(node);
      else if (isAlike(there, node)) drawInPlace(there, node);
      else there.replaceWith(node);
    }
    for (const node of before.slice(after.length)) node.remove();
  };

  // Everything below exists once in a page, however often the script is loaded.
  const define = (origin) => {
    const launchers = new WeakMap(); // what each element of ours can do
    const present = new Set(); // the elements in the page
    const own = new Map(); // those made here, each with the script tag it was made for, null if the page called `create`
    const panels = new Map(); // the docks and the survey's dialog, by name
    const windowNames = new Map(); // of the chat's window, by entry point
    const windows = new Map(); // that this page has opened, by entry point
    const away = new WeakSet(); // elements that are hidden by us, not by the page's author
    let hidden = false; // the page wants none to be seen
    let closeGreeting; // of the one element that has greeted, if any has
    let lifetime; // AbortController: destroy ends it, and the listeners outside our own elements with it
    let body; // of the document, until the end of the task that replaces it
    let ready = false; // the page is loaded and has had a quiet moment
    let showSurvey; // opens a survey's dialog in the words of the last launcher drawn

    /* ---- Parsing an answer ---------------------------------------------------------------------------------------- */

    const rules = { createHTML: cleanMarkup };
    // Where the page lists other policies, a warning says so; only where it also requires them, nothing can be drawn.
    const policy = guarded(() => self.trustedTypes?.createPolicy?.("ece-widget", rules))() || rules;

    // Parsed in a document of its own where nothing runs or loads, as HTML also where the page is XHTML.
    const parseLauncher = (html) => {
      const parsed = new DOMParser().parseFromString(policy.createHTML(html), "text/html");
      const root = parsed.querySelector("." + TAG);
      if (!root) throw new Error("no launcher");
      for (const frame of root.querySelectorAll("iframe")) frame.remove(); // the panel's is inside its template
      return root;
    };

    const FIELDS = "state reason waitTime queueDepth position capacity opensAt asOf nextCheck response".split(" ");
    const readDecision = (data) => {
      const decision = { entryPoint: data.entryPoint, show: data.show == "true" };
      for (const name of FIELDS) decision[name] = data[name] ? (isNaN(data[name]) ? data[name] : +data[name]) : null;
      decision.instead = JSON.parse(data.instead || "[]");
      return decision;
    };

    // What went wrong, and the pause until the next try where it is not that of failures.
    const makeFault = (text, pause) => Object.assign(new Error(text), { pause });

    const ask = async (url, cache) => {
      const control = new AbortController();
      setTimeout(() => control.abort(new Error("timed out")), ANSWER_WITHIN); // what has ended is not aborted any more
      const answer = await fetch(url, { cache, credentials: "omit", signal: control.signal });
      if (!answer.ok) throw makeFault("answered " + answer.status, answer.status == 404 && LONGEST_PAUSE);
      const html = await answer.text();
      // A 304 brings a new header and leaves the text as it was.
      const asOf = answer.headers.get("Last-Modified") || /data-as-of="([^"]*)/.exec(html)?.[1];
      return { html, asOf: Date.parse(asOf) };
    };

    /* ---- The chat's window ----------------------------------------------------------------------------------------
     *
     * It has a name, so that the next page of the site finds it again. Any window and any frame can call itself so:
     * only a window that this page opened is taken for the chat's. A window that is found by its name gets this page for
     * its opener (HTML, "window open steps"), also that around a page in a frame, which is therefore told by itself.
     */
    const isOurs = (found) => found.opener == self && found.top == found && found != self.top;

    const windowName = (entryPoint) => windowNames.get(entryPoint) || TAG + "-" + entryPoint;

    const findWindow = (entryPoint, features) => {
      const found = open("", windowName(entryPoint), features); // opens it if there is none, and navigates nothing
      if (!found || isOurs(found)) return found;
      windowNames.set(entryPoint, TAG + "-" + crypto.getRandomValues(new Uint32Array(4)).join("-"));
      const another = open("", windowName(entryPoint), features);
      return another && isOurs(another) ? another : null;
    };

    const isBlank = (found) => {
      try {
        return found.location.href == "about:blank";
      } catch {
        return false; // its address cannot be read: a chat runs there, and loading it again would end it
      }
    };

    // Return null where the browser blocks windows.
    const openWindow = (entryPoint, url, features) => {
      const found = findWindow(entryPoint, features);
      if (found) {
        if (isBlank(found)) found.location.href = url;
        found.focus();
        windows.set(entryPoint, found);
      }
      return found;
    };

    /* ---- Panels: a docked chat, and a survey's dialog --------------------------------------------------------------
     *
     * The markup comes with the launcher: [data-when] is shown at one time alone, and [data-act] says what a click does.
     * A frame that has loaded may hold a chat. Opening that address once more would begin another, so from then on a new
     * window is opened only by the link behind the question, and then the dock ends.
     */
    const openPanel = ({ name, url, modal, markup, sheets, scheme, elsewhere, closed }) => {
      const host = make(PANEL);
      const shadow = host.attachShadow({ mode: "open" });
      shadow.append(markup.content.cloneNode(true));
      const [dialog, heading, frame, back] = ["dialog", "h2", "iframe", ".ece-chat-return"].map((each) =>
        shadow.querySelector(each),
      );
      let shown = "loading"; // what the words over the frame are about
      let loaded = false;
      let refusedUntil = 0; // milliseconds of the clock; a load before it is that of the browser's page about the refusal

      const showWhen = (now) => {
        shown = now;
        for (const part of shadow.querySelectorAll("[data-when]")) {
          part.hidden = part.dataset.when != now;
          if (!part.hidden) part.querySelector("[data-act=stay]")?.focus();
        }
      };

      const fold = (folded) => {
        if (!back || modal) return; // the template of an earlier release has no button that brings it back
        dialog.hidden = folded;
        back.hidden = !folded;
        if (!folded) for (const other of panels.values()) if (other != panel) other.fold(true);
        arrange();
      };

      const foldByHand = (folded) => {
        fold(folded);
        (folded ? back : heading)?.focus();
      };

      // Called once, whoever ends it: the visitor, the page, or the removal of the element.
      const end = () => {
        if (panels.get(name) != panel) return;
        panels.delete(name);
        arrange(); // before the browser gives the focus back to the launcher
        dialog.close();
        host.remove();
        closed();
      };

      const askFirst = (question) => {
        if (loaded && !modal) showWhen(question);
        else if (question == "close") end();
      };

      const acts = {
        fold: () => foldByHand(true),
        unfold: () => foldByHand(false),
        window: () => askFirst("window"),
        close: () => askFirst("close"),
        stay() {
          showWhen("");
          heading?.focus();
        },
        end,
      };

      const panel = {
        host,
        end: guarded(end),
        fold,
        modal,
        isFolded: () => dialog.hidden,
        show: acts.unfold,
        hear(event) {
          if (event.data == TAG + "-close" && event.origin == origin && event.source == frame.contentWindow) end();
        },
        refuse(event) {
          const ours = /^(frame|child|default)-src/.test(event.effectiveDirective) && event.disposition == "enforce";
          if (loaded || !ours) return;
          // Our address leads to that of the chat, which is not known here: another one may be of a frame of the page's.
          refusedUntil = event.blockedURI.startsWith(origin) ? Infinity : Date.now() + AFTER_REFUSAL;
          showWhen("refused");
        },
      };

      const tellLoaded = () => {
        // WebKit loads an empty page in place of one that the policy refuses, before it tells of the refusal.
        if (Date.now() < refusedUntil || isBlank(frame.contentWindow)) return;
        loaded = true;
        showWhen("");
      };
      // Chromium may tell of a refusal a moment after it has loaded its page about it.
      frame.addEventListener("load", () => setTimeout(tellLoaded, 50));
      setTimeout(() => {
        if (shown == "loading") showWhen("late");
      }, ANSWER_WITHIN);

      shadow.addEventListener(
        "click",
        guarded((event) => {
          const pressed = Element.prototype.closest.call(event.target, "[data-act],a");
          if (!pressed) return;
          if (pressed.localName != "a") return acts[pressed.dataset.act]?.();
          if (!modal && elsewhere()) event.preventDefault();
          setTimeout(end); // after the link was followed
        }),
      );
      dialog.addEventListener("keydown", (event) => {
        // Folded, not closed: closing ends the chat, and Escape is easily pressed by mistake.
        if (event.key != "Escape" || modal) return;
        if (shadow.activeElement?.closest("[role=alertdialog]")) acts.stay();
        else foldByHand(true);
      });
      host.addEventListener("focusout", (event) => {
        // A panel that fills the screen folds when focus leaves it, which would move about unseen behind it.
        const fills = dialog.offsetWidth >= ofDocument("documentElement").clientWidth;
        if (event.relatedTarget && fills) fold(true);
      });
      dialog.addEventListener("close", end);

      for (const anchor of shadow.querySelectorAll("a")) anchor.href = url;
      frame.src = url;
      if (sheets) shadow.adoptedStyleSheets = sheets;
      if (scheme) host.setAttribute("scheme", scheme);
      if (!modal) host.dataset.placement = "corner";
      panels.set(name, panel);
      ofDocument("documentElement").append(host); // a page may replace its body while a chat runs
      if (modal) dialog.showModal();
      else {
        dialog.show();
        fold(false);
      }
      heading?.focus();
    };

    // A frame that leaves the document ends what runs in it.
    class Panel extends HTMLElement {
      disconnectedCallback() {
        for (const panel of panels.values()) if (panel.host == this) panel.end();
      }
    }

    const dockName = (entryPoint) => "dock " + entryPoint;

    /* ---- The place of a launcher ---------------------------------------------------------------------------------- */

    const findTarget = (element) => {
      let found = null;
      try {
        found = askDocument("querySelector", read(element, "target"));
      } catch {} // empty, or not a selector
      return element.contains(found) ? null : found;
    };

    // In its target; else an element of the page's author stays where it is; else in the corner, on <html>, where no
    // style of the body and no new body has an effect on it.
    const place = (element) => {
      const target = findTarget(element);
      const selector = read(element, "target");
      if (selector && !target && !element.dataset.placement) warn("unknown target " + selector);
      const stays = !selector && !own.has(element);
      const parent = target || (stays ? element.parentNode : ofDocument("documentElement"));
      element.dataset.placement = target || stays ? "inline" : "corner";
      dropTwins(element);
      if (element.parentNode != parent) Element.prototype.append.call(parent, element);
      arrange();
    };

    const setAway = (element, value) => {
      // What the page's author hides or shows by himself is left as it is.
      if (value ? element.hidden : !away.has(element)) return;
      element.hidden = value;
      if (value) away.add(element);
      else away.delete(element);
    };

    // The corner holds an open dock alone, else the launchers and, in place of its launcher, each dock that is folded.
    // A launcher that is known to draw nothing takes no room.
    const arrange = () => {
      const docks = [...panels.values()].filter((panel) => !panel.modal);
      const isOpen = docks.some((dock) => !dock.isFolded());
      for (const element of present) {
        const inCorner = element.dataset.placement == "corner";
        const isDocked = isOpen || panels.has(dockName(read(element, "entry-point")));
        setAway(element, hidden || (isDocked && inCorner));
        element.toggleAttribute("data-empty", inCorner && launchers.get(element).isEmpty());
      }
      for (const dock of docks) setAway(dock.host, dock.isFolded() && (hidden || isOpen));
    };

    // A launcher of ours that went away together with the page around it comes back; one that the page took away by
    // itself does not.
    const placeAgain = (element) => {
      if (ready && !element.isConnected && own.has(element)) place(element);
    };
    const leave = (element) => {
      const alone = !element.parentNode && body == ofDocument("body"); // else the body went at the same time
      if (alone) own.delete(element);
      else
        setTimeout(
          guarded(() => placeAgain(element)),
          50,
        );
    };

    /* ---- A launcher ----------------------------------------------------------------------------------------------- */

    const makeSheet = guarded(() => new CSSStyleSheet()); // a browser without them gets a warning and a plain button

    const launch = (element) => {
      const shadow = element.attachShadow({ mode: "open" });
      const sheet = makeSheet();
      const sheets = sheet && [sheet];
      // A status by its tag where the property is no attribute, as in Firefox before 119.
      const live = make("output", { className: "ece-chat-live", role: "status" });
      let root = make("p"); // replaced by that of the last answer; its data- attributes hold the decision and some words
      let drawn = ""; // the last answer that was drawn, as text
      let panelMarkup; // a template
      let decision;
      let told = ""; // what the last event told, as text
      let loading = false;
      let askAgain = false; // somebody wants a newer answer than the one that is on its way
      let timer;
      let askedAt = 0; // milliseconds of the clock, as all of these
      let dueAt = 0;
      let goodUntil = Infinity;
      let quietUntil = 0; // nothing is announced before
      let newest = 0; // when ECE said the newest of what came, by the server's clock
      let newestAt = 0; // when that came first, by this one
      let failures = 0;
      let inView = true;
      let link; // stands in for a window that the browser blocked
      let popup;
      let dismissed = ""; // the message that the visitor has closed
      let css = "";
      let said = ""; // what the live region was last told of the state
      let tellAt = 0; // when a visitor who waits is told of a free place
      let greeting; // the timer of the next greeting

      if (sheet) {
        shadow.adoptedStyleSheets = sheets;
        sheet.replaceSync(":host{position:fixed!important}"); // out of the page's flow until there is an answer
      }
      shadow.append(live, root);

      const entryPoint = () => read(element, "entry-point");

      // The spelling that caches know: these two fields, in this order, empty ones too.
      const address = (kind) => {
        const query = new URLSearchParams({
          locale: read(element, "locale") || ofDocument("documentElement").lang,
          theme: read(element, "theme"),
        });
        return origin + `/v1/${kind}/${encodeURIComponent(entryPoint())}?${query}`.slice(0, 200);
      };

      const fire = (name, detail) =>
        element.dispatchEvent(
          new CustomEvent(TAG + "-" + name, { bubbles: true, composed: true, cancelable: true, detail }),
        );

      const tell = (next) => {
        const before = told;
        told = JSON.stringify({ ...next, asOf: null, nextCheck: null });
        decision = next;
        if (!before) fire("ready", next);
        if (told != before) fire("change", next);
      };

      const removeDismissed = (from) => {
        const message = from.querySelector(".ece-chat-message");
        if (message && message.textContent == dismissed) message.remove();
      };

      const dismiss = () => {
        dismissed = root.querySelector(".ece-chat-message").textContent;
        removeDismissed(root);
        arrange();
      };

      const refocus = () => root.querySelector("button,a")?.focus();

      const useStyle = (text) => {
        if (text == css) return;
        css = text;
        sheet.replaceSync(cleanStyle(text));
      };

      const draw = (html) => {
        const next = parseLauncher(html);
        const style = next.querySelector("template.ece-chat-css");
        const pane = next.querySelector("template.ece-chat-pane");
        const hadFocus = shadow.activeElement;
        if (style && sheet) useStyle(style.content.textContent);
        if (pane && sheet) {
          panelMarkup = pane;
          showSurvey = (url) => openPanelFor("survey", url, true);
        }
        for (const template of [style, pane]) template?.remove(); // they are not drawn
        removeDismissed(next);
        const now = readDecision(next.dataset);
        if (root.localName == next.localName) drawInPlace(root, next);
        else {
          root.replaceWith(next);
          root = next;
        }
        drawn = html;
        live.lang = root.lang;
        if (link) link.hidden = !now.show;
        if (root.dataset.greeting) greeting ||= setTimeout(greet, root.dataset.after);
        else delete element.dataset.greeting;
        if (hadFocus && !shadow.activeElement) refocus();
        tell(now);
      };

      const announce = (pause) => {
        const words = root.dataset.announce || "";
        if (words == said || Date.now() < quietUntil) return;
        said = live.textContent = words;
        quietUntil = Date.now() + pause;
      };

      const greet = guarded(() => {
        // Where it could not be kept that it was closed, reading throws, and nobody is greeted.
        if (!drawn || !root.dataset.greeting || closeGreeting || sessionStorage[TAG]) return;
        closeGreeting = () => {
          if (element.dataset.greeting == null) return;
          sessionStorage[TAG] = 1;
          if (shadow.activeElement) refocus();
          delete element.dataset.greeting;
        };
        element.dataset.greeting = "";
        live.textContent = root.dataset.greeting;
      });

      const hide = () => {
        dropLink();
        drawn = said = live.textContent = "";
        root.replaceChildren();
        delete element.dataset.greeting;
        arrange();
        goodUntil = Infinity; // no state is left that could be too old
        dueAt = 0;
      };

      const expire = () => {
        hide();
        tell({ ...decision, show: false, state: "unknown", reason: null });
      };

      // Not while the button is pressed: the click would be lost with it.
      const mayDraw = (url) =>
        ready && element.isConnected && url == address("launcher") && !element.matches(":active");

      // How long the last good state may stand after its next check was due, and how old an answer may be.
      const staleFor = () => (root.dataset.staleFor || STALE_FOR) * 1_000;

      // The server's clock is never compared with this one, which may be wrong. No number is never too old.
      const isTooOld = (asOf) => {
        const now = Date.now();
        if (asOf > newest) {
          newest = asOf;
          newestAt = now;
        }
        return now - newestAt + newest - asOf > staleFor();
      };

      // A cache that keeps an answer for too long is passed by; what is still the same then is not shown any more.
      const askForNew = async (url) => {
        const answer = await ask(url, "no-cache");
        if (!isTooOld(answer.asOf)) return answer;
        const another = await ask(`${url}&now=${Date.now()}`, "reload"); // a spelling that caches do not keep
        if (another.asOf == answer.asOf) {
          expire();
          throw makeFault("too old", paceNow());
        }
        newest = 0; // the server's clock may have been set back
        isTooOld(another.asOf);
        return another;
      };

      const paceNow = () => Math.max(decision.nextCheck || 60, 2) * 1_000;

      // Return the pause until the next check.
      const take = (url, html) => {
        if (!mayDraw(url)) return SOON;
        // Each visitor who waits is told at a time of his own, with the spread of a check within 30 s, so that not all
        // come for one free place. Until then nothing is drawn.
        tellAt =
          element.dataset.waiting && /data-show="true"/.test(html) && (tellAt || Date.now() + Math.random() * 25_000);
        if (tellAt > Date.now()) return tellAt - Date.now();
        if (html != drawn) draw(html);
        if (tellAt) {
          delete element.dataset.waiting;
          guarded(() => new Notification(root.dataset.announce))(); // unseen if not allowed; throws on Android
        }
        failures = 0;
        const pause = paceNow();
        goodUntil = Date.now() + pause * 1.2 + staleFor();
        announce(pause);
        return pause;
      };

      const failed = (url, fault) => {
        if (!failures) warn(url + " " + fault);
        const ownPause = fault?.pause;
        const pause = ownPause || Math.min(LONGEST_PAUSE, 5_000 * 2 ** failures);
        failures = ownPause ? 1 : failures + 1;
        fire("error", fault);
        return pause;
      };

      const load = async () => {
        let url = "";
        let pause;
        loading = true;
        askAgain = false;
        askedAt = Date.now();
        try {
          place(element);
          url = address("launcher");
          pause = take(url, (await askForNew(url)).html);
        } catch (fault) {
          pause = failed(url, fault);
        }
        loading = false;
        arrange();
        dueAt = askAgain ? 0 : Date.now() + pause + Math.random() * Math.min(LONGEST_SPREAD, pause / 5);
        tick();
      };

      const tick = guarded(() => {
        const now = Date.now();
        clearTimeout(timer);
        // Asked at every turn: the focus may come back to the page before the browser tells it of the close.
        if (popup?.closed) {
          popup = null;
          fire("close");
        }
        if (!ready || loading || !element.isConnected) return;
        if (now < askedAt) {
          // The clock was set back, so none of the times noted are right any more.
          askedAt = now;
          dueAt = 0;
          newestAt = now;
          if (goodUntil < Infinity) goodUntil = now + staleFor();
        }
        if (now > goodUntil) expire();
        if (!element.dataset.waiting && (ofDocument("hidden") || (drawn && !inView))) return;
        if (now < dueAt) timer = setTimeout(tick, Math.min(LONGEST_TIMER, dueAt - now));
        else load();
      });

      // Called for whatever may have changed.
      const look = () => setTimeout(tick);

      const refresh = () => {
        dueAt = 0;
        askAgain = true;
        look();
      };

      const openPanelFor = (name, url, modal) => {
        if (panels.has(name)) return panels.get(name).show();
        openPanel({
          name,
          url,
          modal,
          markup: panelMarkup,
          sheets,
          scheme: read(element, "scheme"),
          elsewhere: () => (popup = openWindow(entryPoint(), url, POPUP)),
          closed: () => {
            // The browser gives focus back, unless the button has been drawn anew since.
            if (ofDocument("activeElement") == ofDocument("body")) refocus();
            fire("close");
          },
        });
      };

      const dropLink = () => {
        link?.remove();
        link = null;
      };

      // In a status of its own: in the corner no landmark of the page is around it, and those of two launchers would have
      // the same name. It comes with its words, so that nothing is read out but what has the focus.
      const offerLink = (url) => {
        const anchor = make("a", {
          className: "ece-chat-link",
          href: url,
          target: windowName(entryPoint()),
          textContent: root.dataset.labelLink || url,
        });
        link = make("section", { lang: root.lang, dir: root.dir, role: "status" });
        link.append(anchor);
        shadow.append(link);
        anchor.focus();
      };

      // Runs in the click itself, so that no pop-up blocker is met.
      const activate = () => {
        // The chat page may want to know the page's origin, to send it messages; no referrer is relied on.
        const url = `${address("chat")}&origin=${encodeURIComponent(location.origin)}`;
        const mode = read(element, "open") || root.dataset.openIn;
        if (!fire("open", decision) || mode == "none") return;
        delete element.dataset.greeting;
        const moved = windows.get(entryPoint()); // out of the dock
        if (mode == "dock" && panelMarkup && (!moved || moved.closed))
          return openPanelFor(dockName(entryPoint()), url, false);
        dropLink();
        popup = openWindow(entryPoint(), url, mode == "tab" ? "" : POPUP);
        if (!popup) offerLink(url);
      };

      shadow.addEventListener(
        "click",
        guarded((event) => {
          const isIn = (name) => Element.prototype.closest.call(event.target, ".ece-chat-" + name);
          if (isIn("tell")) {
            element.dataset.waiting = true;
            live.textContent = root.dataset.waits;
            self.Notification?.requestPermission();
          }
          if (isIn("dismiss")) (isIn("greeting") ? closeGreeting : dismiss)();
          else if (isIn("button") || isIn("greeting")) activate();
        }),
      );

      const seen = (entries) => {
        inView = entries.pop().isIntersecting;
        tick();
      };
      guarded(() => new IntersectionObserver(seen).observe(element))(); // without one, all are taken to be in view

      return { activate, hide, isEmpty: () => (told || failures) && !root.firstElementChild, look, refresh };
    };

    class Chat extends HTMLElement {
      constructor() {
        super();
        launchers.set(this, launch(this));
      }
      connectedCallback() {
        present.add(this);
        for (const name of this.getAttributeNames()) {
          if (name != "class" && !(name in this)) isKnown(name);
        }
        launchers.get(this).refresh();
      }
      disconnectedCallback() {
        present.delete(this);
        launchers.get(this).look();
        leave(this);
      }
      attributeChangedCallback(name) {
        const nothingDrawnFits = name == "entry-point" || name == "target";
        if (nothingDrawnFits) launchers.get(this).hide();
        launchers.get(this).refresh();
      }
    }
    Chat.observedAttributes = ATTRIBUTES;

    /* ---- Making launchers, and the global --------------------------------------------------------------------------*/

    const attributesOf = (options) => {
      const attributes = new Map();
      for (const [name, value] of Object.entries(options)) {
        const attribute = name.replace(/[A-Z]/g, "-$&").toLowerCase();
        if (isKnown(attribute)) attributes.set(attribute, value);
      }
      return attributes;
    };

    // A value that is null or undefined takes the attribute away.
    const apply = (element, attributes) => {
      for (const [name, value] of attributes) {
        if (value == null) element.removeAttribute(name);
        else if (element.getAttribute(name) != value) element.setAttribute(name, value);
      }
    };

    // One launcher for an entry point and a target, by what its attributes say now.
    const ownOf = (entryPoint, target) =>
      [...own.keys()].filter(
        (element) => read(element, "entry-point") == entryPoint && read(element, "target") == target,
      );

    const drop = (element) => {
      own.delete(element);
      element.remove();
    };

    // A change of attributes may have made two the same. What the page made by `create` (of no tag) stays so.
    const dropTwins = (kept) => {
      if (!own.has(kept)) return;
      for (const element of ownOf(read(kept, "entry-point"), read(kept, "target"))) {
        if (element == kept) continue;
        own.set(kept, own.get(element) && own.get(kept)); // null where one of the two is the page's
        drop(element);
      }
    };

    // A launcher whose tag has gone with its page makes room for that of the next page's tag.
    const dropPredecessors = (kept) => {
      for (const [element, tag] of own) {
        const gone = tag && !tag.isConnected;
        if (gone && element != kept && read(element, "target") == read(kept, "target")) drop(element);
      }
    };

    // The page of a tag may go before the tag runs. A tag that was taken away by itself has no parent.
    const isLate = (script, target) =>
      !script.isConnected &&
      (script.parentNode || [...own].some(([element, tag]) => tag?.isConnected && read(element, "target") == target));

    const create = (options, script) => {
      const attributes = attributesOf(options);
      const entryPoint = attributes.get("entry-point") || "";
      const target = attributes.get("target") || "";
      if (!entryPoint) return null; // a script that is there for elements only
      if (script && isLate(script, target)) return null;
      const element = ownOf(entryPoint, target)[0] || make(TAG);
      apply(element, attributes);
      if (own.get(element) !== null) own.set(element, script); // new, or of another tag
      if (script) dropPredecessors(element);
      if (ready) place(element);
      return element;
    };

    const wakeAll = (method) => {
      if (!ready) return;
      for (const element of own.keys()) place(element);
      for (const element of present) launchers.get(element)[method]();
    };

    const openChat = (entryPoint) => {
      let element = make(TAG); // where none is in the page
      element.setAttribute("entry-point", entryPoint);
      for (const each of present) if (read(each, "entry-point") == entryPoint) element = each;
      launchers.get(element).activate();
    };

    const updateChat = (entryPoint, options) => {
      const attributes = attributesOf(options);
      for (const element of [...present, ...own.keys()])
        if (read(element, "entry-point") == entryPoint) apply(element, attributes);
      if (ready) for (const element of own.keys()) place(element);
    };

    const closeChat = (entryPoint) => {
      panels.get(dockName(entryPoint))?.end();
      windows.get(entryPoint)?.close();
      wakeAll("look");
    };

    const hiding = (value) => () => {
      hidden = value;
      arrange();
    };

    const openSurvey = (given) => {
      const url = new URL(given, origin);
      if (url.origin != origin) throw new Error("not ours: " + url);
      (showSurvey || open)(url);
    };

    const destroy = () => {
      hidden = false;
      lifetime.abort();
      lifetime = null;
      ready = false;
      showSurvey = null;
      for (const panel of panels.values()) panel.end();
      for (const element of own.keys()) drop(element);
      for (const element of present) {
        delete element.dataset.placement;
        delete element.dataset.waiting;
        launchers.get(element).hide();
      }
      arrange();
      delete self.eceChat;
    };

    const begin = () => {
      lifetime = new AbortController();
      const signal = lifetime.signal;
      const listen = (type, work) => addEventListener(type, guarded(work), { signal });
      const becomeReady = guarded(() => {
        if (signal.aborted || ready) return; // destroy has ended this lifetime
        ready = true;
        wakeAll("refresh");
      });
      const whenIdle = () => {
        if (typeof self.requestIdleCallback == "function") requestIdleCallback(becomeReady, { timeout: 500 });
        else setTimeout(becomeReady);
      };
      const whenParsed = () => setTimeout(whenIdle, LOADED_WITHIN);

      const noteBody = () => (body = ofDocument("body"));
      const observer = new MutationObserver(noteBody);
      observer.observe(ofDocument("documentElement"), { childList: true });
      signal.addEventListener("abort", () => observer.disconnect());
      noteBody();

      listen("keydown", (event) => event.key == "Escape" && closeGreeting?.());
      listen("focus", () => wakeAll("look"));
      listen("visibilitychange", () => wakeAll("look"));
      listen("message", (event) => {
        for (const panel of panels.values()) panel.hear(event);
      });
      listen("securitypolicyviolation", (event) => {
        for (const panel of panels.values()) panel.refuse(event);
      });
      listen("online", () => wakeAll("refresh"));
      listen("pageshow", (event) => event.persisted && wakeAll("refresh"));
      if (ofDocument("readyState") == "complete") whenIdle();
      else {
        listen("load", whenIdle);
        if (ofDocument("readyState") == "interactive") whenParsed();
        else listen("DOMContentLoaded", whenParsed);
      }

      self.eceChat = {
        create: guarded((options) => create(options, null)),
        refresh: guarded(() => wakeAll("refresh")),
        open: guarded(openChat),
        update: guarded(updateChat),
        close: guarded(closeChat),
        show: guarded(hiding(false)),
        hide: guarded(hiding(true)),
        survey: guarded(openSurvey),
        destroy: guarded(destroy),
      };
    };

    Chat.start = (scripts) => {
      if (!lifetime) begin();
      for (const script of scripts) {
        const fragment = new URLSearchParams(new URL(script.src).hash.slice(1));
        create({ ...Object.fromEntries(fragment), ...script.dataset }, script);
      }
    };
    customElements.define(PANEL, Panel);
    customElements.define(TAG, Chat);
    return Chat;
  };

  /* ---- The own script tag --------------------------------------------------------------------------------------------
   *
   * The origin of everything that is asked for is that of the script itself, so it is taken from a script element alone.
   * The browser names the one that runs, but in modules and shadow trees it names none: then those are looked for that
   * have our file's name.
   */
  const isOurScript = (element) =>
    element instanceof HTMLScriptElement && /\/widget(\.src|\.v\d+\.[\da-f]+)?\.js$/.test(new URL(element.src).pathname);

  const findScripts = () => {
    const running = ofDocument("currentScript");
    if (running instanceof HTMLScriptElement && running.src) return [running];
    const found = [...askDocument("querySelectorAll", "script[src*='/widget.']")].filter(isOurScript);
    const named = found.filter((script) => script.dataset.entryPoint || script.src.includes("#entry-point="));
    if (named.length) return named;
    return found.slice(0, 1);
  };

  guarded(() => {
    const scripts = findScripts();
    if (!scripts.length) throw new Error("no script tag of its own");
    const defined = customElements.get(TAG) || define(new URL(scripts[0].src).origin);
    defined.start(scripts);
  })();
})();
