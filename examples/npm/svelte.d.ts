// Written by `python -m tests.release.npm_types` from description.json.
import type { HTMLAttributes } from "svelte/elements";
import type { Attributes, Events, HTMLEceChatElement } from "./index.js";
declare module "svelte/elements" {
  interface SvelteHTMLElements {
    "ece-chat": HTMLAttributes<HTMLEceChatElement> & Attributes & {
      "onece-chat-ready"?: (event: Events["ece-chat-ready"]) => void;
      "onece-chat-change"?: (event: Events["ece-chat-change"]) => void;
      "onece-chat-open"?: (event: Events["ece-chat-open"]) => void;
      "onece-chat-close"?: (event: Events["ece-chat-close"]) => void;
      "onece-chat-error"?: (event: Events["ece-chat-error"]) => void;
    };
  }
}
