import "@angular/compiler";
import { createComponent, provideZonelessChangeDetection } from "@angular/core";
import { createApplication } from "@angular/platform-browser";
import { App } from "./examples/angular/app";

let application: any;
let component: any;
const give = ({ server, page, chat }: any) => {
  component.setInput("server", server);
  component.setInput("page", page);
  component.setInput("chat", (window as any).asAttributes(chat));
};
(window as any).app = {
  async mount(given: any, place: HTMLElement) {
    application = await createApplication({ providers: [provideZonelessChangeDetection()] });
    component = createComponent(App, { environmentInjector: application.injector, hostElement: place });
    give(given);
    application.attachView(component.hostView);
    application.tick();
  },
  change(given: any) {
    give(given);
    application.tick();
  },
  unmount: () => application.destroy(),
};
