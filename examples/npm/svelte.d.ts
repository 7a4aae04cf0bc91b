import type { HTMLAttributes } from "svelte/elements";
import type { Attributes, Events, HTMLEceChatElement } from "./index.js";
type Handlers = { [Name in keyof Events as `on${Name}`]?: (event: Events[Name]) => void };
declare module "svelte/elements" {
  interface SvelteHTMLElements {
    "ece-chat": HTMLAttributes<HTMLEceChatElement> & Attributes & Handlers;
  }
}
