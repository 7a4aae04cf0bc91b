/* Refreshes the parts of a console page that are marked `data-live`, every five seconds, in place: nodes that stay are
   kept, so that focus, scroll position, selection and opened details stay too. The page is whole without it. */
(() => {
  "use strict";
  const EVERY = 5000;
  const TIMEOUT = 10000;
  const KEPT = new Set(["DETAILS:open", "INPUT:value", "INPUT:checked"]); // what the reader changed
  const live = () => document.querySelectorAll("[data-live]");
  if (!live().length) return;

  const isSelecting = () => {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed;
  };

  const update = (old, fresh) => {
    for (const { name } of [...old.attributes])
      if (!fresh.hasAttribute(name) && !KEPT.has(`${old.tagName}:${name}`)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes)
      if (old.getAttribute(name) !== value && !KEPT.has(`${old.tagName}:${name}`)) old.setAttribute(name, value);
    const now = [...old.childNodes], then = [...fresh.childNodes];
    then.forEach((node, at) => {
      const known = now[at];
      if (!known) old.append(document.importNode(node, true));
      else if (known.nodeName !== node.nodeName) known.replaceWith(document.importNode(node, true));
      else if (node.nodeType === Node.ELEMENT_NODE) update(known, node);
      else if (known.nodeValue !== node.nodeValue) known.nodeValue = node.nodeValue;
    });
    now.slice(then.length).forEach((node) => node.remove());
  };

  const take = (page) => {
    const olds = live(), fresh = page.querySelectorAll("[data-live]");
    if (olds.length === fresh.length) olds.forEach((old, at) => update(old, fresh[at]));
    else location.reload();
  };

  const stale = document.querySelector(".stale");
  const say = (isStale) => {
    if (stale && stale.hidden === isStale) stale.hidden = !isStale;
  };

  const next = () => setTimeout(ask, EVERY);
  const ask = () => {
    if (document.hidden || isSelecting()) return next();
    // a request reads a document by itself: no text is made markup here, as Trusted Types want it
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.timeout = TIMEOUT;
    request.onloadend = () => {
      if (request.status === 401) return location.reload(); // signed out: the page says so
      const page = request.status === 200 ? request.response : null;
      say(!page);
      if (page && !isSelecting()) take(page);
      next();
    };
    request.send();
  };
  document.querySelectorAll(".again").forEach((link) => { link.hidden = true; });
  next();
})();
