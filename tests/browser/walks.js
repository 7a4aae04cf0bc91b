/* Random walks of a page through what it can do with launchers, each in a frame of its own, against a model of what the
 * page has asked for. `walk` runs in the frame and resolves with the faults, in words; `walks` runs in the page around.
 *
 * What a page asks for:
 *  - an element of its own, as long as the element is in the page;
 *  - a launcher by `create`, one for an entry point and a target, until the page removes the element;
 *  - a launcher by a tag: the same, and when the tag has gone with its page, until the next tag for that place comes;
 *  - none, from `destroy` until the next tag.
 */
"use strict";

const ENTRY_POINTS = ["sales", "support"];
const TARGETS = ["", "#slot"];
const SOON = 120; // milliseconds, longer than any delay of the script's
const PATIENCE = 30_000;

const chance = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0; // mulberry32
  let value = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
  return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
};
const sleep = (pause) => new Promise((resolve) => setTimeout(resolve, pause));

async function walk(seed, steps, script) {
  const random = chance(seed);
  const choose = (list) => list[Math.floor(random() * list.length)];
  const done = []; // in words
  const faults = [];
  addEventListener("error", (event) => faults.push(event.message));
  addEventListener("unhandledrejection", (event) => faults.push(String(event.reason)));

  const asked = new Map(); // launchers that are not the page's own elements, by name → the tag, null for `create`
  const own = new Set(); // the page's own elements
  let loading = 0;
  let alive = false;
  const name = (entryPoint, target) => `${entryPoint} in ${target || "the corner"}`;
  const main = () => document.querySelector("main");

  const tagHasRun = (tag, entryPoint, target) => {
    alive = true;
    if (!entryPoint) return;
    const isHere = (other) => other && other.isConnected;
    const others = [...asked].filter(([other]) => other.endsWith(name("", target)));
    if (!tag.isConnected && (tag.parentNode || others.some(([, other]) => isHere(other)))) return; // its page has gone
    const wanted = name(entryPoint, target);
    if (asked.get(wanted) !== null) asked.set(wanted, tag);
    for (const [other, by] of others) if (other !== wanted && by && !by.isConnected) asked.delete(other);
  };
  const addTag = (parent, entryPoint = choose(["", ...ENTRY_POINTS, ...ENTRY_POINTS]), target = choose(TARGETS)) => {
    const tag = document.createElement("script");
    tag.src = script;
    if (entryPoint) tag.dataset.entryPoint = entryPoint;
    if (target) tag.dataset.target = target;
    loading += 1;
    tag.onload = () => {
      loading -= 1;
      tagHasRun(tag, entryPoint, target);
    };
    parent.append(tag);
    return `tag ${name(entryPoint, target)}`;
  };
  const addElement = (parent) => {
    const element = document.createElement("ece-chat");
    element.setAttribute("entry-point", choose(ENTRY_POINTS));
    own.add(element);
    parent.append(element);
    return `element ${element.getAttribute("entry-point")}`;
  };
  const fill = (parent) => {
    const added = [];
    if (random() < 0.7) {
      const slot = document.createElement("div");
      slot.id = "slot";
      parent.append(slot);
      added.push("slot");
    }
    if (random() < 0.6) added.push(addTag(parent));
    if (random() < 0.3) added.push(addElement(parent));
    return added.join(", ");
  };

  const rename = (entryPoint, changes) => {
    for (const [wanted, by] of [...asked]) {
      const [was, target] = wanted.split(" in ");
      if (was !== entryPoint || !asked.has(wanted)) continue;
      asked.delete(wanted);
      const now = name(changes.entryPoint ?? was, "target" in changes ? changes.target : target.replace("the corner", ""));
      asked.set(now, asked.has(now) ? asked.get(now) && by : by);
    }
  };
  const actions = {
    tag: () => addTag(choose([document.body, main(), document.head])),
    element: () => addElement(choose([document.body, main()])),
    create() {
      const [entryPoint, target] = [choose(ENTRY_POINTS), choose(TARGETS)];
      if (!alive) return "";
      eceChat.create({ entryPoint, target, locale: choose(["en", "de", null]) });
      asked.set(name(entryPoint, target), null);
      return `create ${name(entryPoint, target)}`;
    },
    update() {
      const entryPoint = choose(ENTRY_POINTS);
      const changes = choose([{ theme: "bold" }, { open: "tab" }, { entryPoint: choose(ENTRY_POINTS) }, { target: choose(TARGETS) }]);
      if (!alive) return "";
      eceChat.update(entryPoint, changes);
      rename(entryPoint, changes);
      return `update ${entryPoint} ${JSON.stringify(changes)}`;
    },
    remove() {
      const element = choose([...document.querySelectorAll("ece-chat")]);
      if (!element) return "";
      const what = describe(element);
      if (!own.delete(element)) asked.delete(what);
      element.remove();
      return `remove ${what}`;
    },
    newBody() {
      const body = document.createElement("body");
      body.append(document.createElement("main"));
      document.body.replaceWith(body);
      return `new body: ${fill(choose([body, main()]))}`;
    },
    newContent() {
      main().replaceChildren();
      return `new content: ${fill(main())}`;
    },
    destroy() {
      if (!alive) return "";
      eceChat.destroy();
      alive = false;
      asked.clear();
      return random() < 0.5 ? `destroy, ${addTag(document.body)}` : "destroy";
    },
  };

  const describe = (element) =>
    name(element.getAttribute("entry-point"), own.has(element) ? "the page" : element.getAttribute("target"));
  const expected = () => {
    const elements = [...own].filter((element) => element.isConnected).map(describe);
    const drawn = alive ? "" : ", empty";
    return [...asked.keys(), ...elements].map((each) => each + drawn).sort().join("; ");
  };
  const found = () =>
    [...document.querySelectorAll("ece-chat")]
      .map((element) => {
        const button = element.shadowRoot?.querySelector(".ece-chat-button");
        return describe(element) + (button?.getClientRects().length ? "" : ", empty");
      })
      .sort()
      .join("; ");
  const settles = async () => {
    const fits = () => !loading && found() === expected();
    for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
      const before = fits();
      await sleep(before ? SOON : 10);
      if (before && fits()) return true; // else it was on its way, on a busy machine for longer than that
    }
    return false;
  };

  addTag(document.body, "sales", "");
  for (let step = 0; step < steps && !faults.length; step += 1) {
    done.push(actions[choose(Object.keys(actions))]());
    if (random() < 0.4) await null; // the next one at once
    else if (!(await settles())) break;
  }
  if (!(await settles())) faults.push(`found ${found() || "none"} in place of ${expected() || "none"}`);
  return faults.map((fault) => `walk ${seed}: ${done.filter(Boolean).join(" | ")}: ${fault}`);
}

// The answers of the server are asked for once, by the page around: what a frame asks for ends with the frame.
const known = new Map();
function answerTo(url) {
  if (!known.has(url)) known.set(url, fetch(url).then((answer) => answer.text()));
  return known.get(url);
}
function remember() {
  self.fetch = async (url) => new Response(await parent.answerTo(url));
}

async function walks(seeds, steps, script) {
  const inFrame = async (seed) => {
    const frame = document.createElement("iframe");
    frame.width = 150;
    frame.height = 100;
    frame.src = "/walk";
    const loaded = new Promise((resolve) => (frame.onload = resolve));
    document.body.append(frame);
    await loaded;
    frame.contentWindow.remember();
    const faults = await frame.contentWindow.walk(seed, steps, script);
    frame.remove();
    return faults;
  };
  const waiting = [...seeds];
  const faults = [];
  const walker = async () => {
    while (waiting.length) faults.push(...(await inFrame(waiting.shift())));
  };
  await Promise.all(Array.from({ length: 10 }, walker));
  return faults;
}
