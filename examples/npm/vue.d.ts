import type { DefineComponent, HTMLAttributes } from "vue";
import type { Events, Options } from "./index.js";
type Handlers = {
  [Name in keyof Events as Name extends `ece-chat-${infer Word}` ? `onEceChat${Capitalize<Word>}` : never]?: (event: Events[Name]) => void;
};
declare module "vue" {
  interface GlobalComponents {
    "ece-chat": DefineComponent<Options & Handlers & HTMLAttributes>;
  }
}
