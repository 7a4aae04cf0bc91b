import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { Attributes, CreateOptions, Events, HTMLEceChatElement } from "./index.js";
type Handlers = {
  [Name in keyof Events as Name extends `ece-chat-${infer Word}` ? `on${Capitalize<Word>}` : never]?: (event: Events[Name]) => void;
};
export interface EceChatProps extends CreateOptions, Handlers {
  /** The operator's server, as `https://chat.example.com`. */
  server: string;
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
