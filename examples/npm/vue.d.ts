// Written by `python -m tests.release.npm_types` from description.json.
import type { DefineComponent, HTMLAttributes } from "vue";
import type { Events, Options } from "./index.js";
export interface Listeners {
  onEceChatReady?: (event: Events["ece-chat-ready"]) => void;
  onEceChatChange?: (event: Events["ece-chat-change"]) => void;
  onEceChatOpen?: (event: Events["ece-chat-open"]) => void;
  onEceChatClose?: (event: Events["ece-chat-close"]) => void;
  onEceChatError?: (event: Events["ece-chat-error"]) => void;
}
declare module "vue" {
  interface GlobalComponents {
    "ece-chat": DefineComponent<Options & Listeners & HTMLAttributes>;
  }
}
