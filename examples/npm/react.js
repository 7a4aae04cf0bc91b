"use client";

import { useEffect, useRef } from "react";
import { loadEceChat } from "./index.js";

const EVENTS = ["Ready", "Change", "Open", "Close", "Error"];

/* Draws nothing itself, on a server neither: the launcher stands in its corner or target as long as this is mounted. */
export function EceChat({ server, entryPoint, target = null, locale = null, theme = null, scheme = null, open = null, ...on }) {
  const element = useRef(null);
  const latest = useRef(null);
  latest.current = { options: { entryPoint, target, locale, theme, scheme, open }, on };

  // Another entry point or target is another launcher.
  useEffect(() => {
    let mounted = true;
    const tell = (event) => {
      const name = event.type.slice("ece-chat-".length);
      latest.current.on["on" + name[0].toUpperCase() + name.slice(1)]?.(event);
    };
    const types = EVENTS.map((name) => "ece-chat-" + name.toLowerCase());
    loadEceChat(server).then(
      (chat) => {
        if (!mounted) return;
        element.current = chat.create(latest.current.options);
        for (const type of types) element.current.addEventListener(type, tell);
      },
      (fault) => mounted && console.warn(String(fault)), // a page without a chat is still a page
    );
    return () => {
      mounted = false;
      for (const type of types) element.current?.removeEventListener(type, tell);
      element.current?.remove();
      element.current = null;
    };
  }, [server, entryPoint, target]);

  useEffect(() => {
    if (element.current) window.eceChat?.create(latest.current.options);
  }, [locale, theme, scheme, open]);

  return null;
}
