// Written by `python -m tests.release.npm_types` from description.json.
import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { Attributes, CreateOptions, Events, HTMLEceChatElement } from "./index.js";
export interface EceChatProps extends CreateOptions {
  /** The operator's server, as `https://chat.example.com`. */
  server: string;
  onReady?: (event: Events["ece-chat-ready"]) => void;
  onChange?: (event: Events["ece-chat-change"]) => void;
  onOpen?: (event: Events["ece-chat-open"]) => void;
  onClose?: (event: Events["ece-chat-close"]) => void;
  onError?: (event: Events["ece-chat-error"]) => void;
}
/** A launcher in its corner or target, as long as this is mounted. */
export function EceChat(props: EceChatProps): null;
declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "ece-chat": DetailedHTMLProps<HTMLAttributes<HTMLEceChatElement>, HTMLEceChatElement> & Attributes;
    }
  }
}
