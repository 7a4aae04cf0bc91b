// Written by `python -m tests.release.npm_types` from description.json.
/** What is known about an entry point; times are seconds. */
export interface Decision {
  entryPoint: string;
  show: boolean;
  state: "available" | "unavailable" | "unknown";
  reason: string | null;
  opensAt: string | null;
  asOf: string | null;
  response: "AVAILABLE" | "BUSY" | "UNAVAILABLE" | "ERROR" | null;
  waitTime: number | null;
  queueDepth: number | null;
  position: number | null;
  capacity: number | null;
  nextCheck: number | null;
  instead: { kind: string; label: string; href: string }[];
}
/** The attributes of the element, each without `data-`. */
export interface Attributes {
  /** The entry point's name in the operator's settings. */
  "entry-point"?: string;
  /** A language tag, as "de" or "pt-BR"; without it, the page's `lang`. */
  "locale"?: string;
  /** A theme's name; without it, the entry point's. */
  "theme"?: string;
  /** CSS selector of the element the button goes into; without it, a corner of the page. */
  "target"?: string;
  /** Light or dark; without it, as the page's `color-scheme`. */
  "scheme"?: "page" | "light" | "dark" | "auto";
  /** What a click opens; without it, the entry point's `open_in`. */
  "open"?: "popup" | "tab" | "dock" | "none";
}
/** The attributes as options; null takes a value away. */
export interface Options {
  /** The entry point's name in the operator's settings. */
  entryPoint?: string | null;
  /** A language tag, as "de" or "pt-BR"; without it, the page's `lang`. */
  locale?: string | null;
  /** A theme's name; without it, the entry point's. */
  theme?: string | null;
  /** CSS selector of the element the button goes into; without it, a corner of the page. */
  target?: string | null;
  /** Light or dark; without it, as the page's `color-scheme`. */
  scheme?: "page" | "light" | "dark" | "auto" | null;
  /** What a click opens; without it, the entry point's `open_in`. */
  open?: "popup" | "tab" | "dock" | "none" | null;
}
export interface CreateOptions extends Options {
  entryPoint: string;
}
/** Events of the element; they bubble. */
export interface Events {
  /** The first answer has come. */
  "ece-chat-ready": CustomEvent<Decision>;
  /** What is known has changed. */
  "ece-chat-change": CustomEvent<Decision>;
  /** A click, or `open`; `preventDefault()` keeps the chat from being opened. */
  "ece-chat-open": CustomEvent<Decision | null>;
  /** The chat's window, dock or dialog was closed. */
  "ece-chat-close": CustomEvent<null>;
  /** The server could not be asked; the script tries again by itself. */
  "ece-chat-error": CustomEvent<unknown>;
}
export interface HTMLEceChatElement extends HTMLElement {}
/** The one global of the script, `eceChat`. */
export interface EceChatApi {
  /** Make a launcher, or apply the options to the one that is there for that entry point and target. */
  create(options: CreateOptions): HTMLEceChatElement | null;
  /** Change every launcher of an entry point; null takes a value away. */
  update(entryPoint: string, options: Options): void;
  /** Open the chat, as a click does; call it in the visitor's own click. */
  open(entryPoint: string): void;
  /** Close the chat's window or dock. */
  close(entryPoint: string): void;
  /** Show the launchers after `hide`. */
  show(): void;
  /** Hide all launchers; a running chat goes on. */
  hide(): void;
  /** Ask the server now. */
  refresh(): void;
  /** Open a survey in a dialog; the address must be one of the operator's server. */
  survey(url: string | URL): void;
  /** Take away all launchers and the global. */
  destroy(): void;
}
declare global {
  interface HTMLElementEventMap extends Events {}
  interface DocumentEventMap extends Events {}
  interface WindowEventMap extends Events {}
  interface HTMLElementTagNameMap { "ece-chat": HTMLEceChatElement }
  interface Window { eceChat?: EceChatApi }
}
/** Load the script from the operator's server, as `https://chat.example.com`, once; reject if it fails. */
export function loadEceChat(server: string): Promise<EceChatApi>;
