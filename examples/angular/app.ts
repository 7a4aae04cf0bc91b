import { afterNextRender, Component, CUSTOM_ELEMENTS_SCHEMA } from "@angular/core";
import { loadEceChat, type Attributes, type Events } from "ece-widget";

@Component({
  selector: "app-root",
  schemas: [CUSTOM_ELEMENTS_SCHEMA],
  inputs: ["server", "page", "chat"],
  template: `
    <main>
      <h1>{{ page }}</h1>
      @if (page === "help") {
        <ece-chat
          [attr.entry-point]="chat['entry-point']"
          [attr.locale]="chat.locale"
          [attr.theme]="chat.theme"
          [attr.target]="chat.target"
          [attr.scheme]="chat.scheme"
          [attr.open]="chat.open"
          (ece-chat-open)="heard($event)"
        ></ece-chat>
      }
    </main>
  `,
})
export class App {
  server = "";
  page: "home" | "help" = "home";
  chat: Attributes = {};

  constructor() {
    afterNextRender(() => loadEceChat(this.server));
  }

  heard(event: Events["ece-chat-open"]) {
    console.info(event.detail?.waitTime);
  }
}
