import { flushSync, mount, unmount } from "svelte";
import App from "./examples/svelte/App.svelte";

let props = $state({});
let app;
const attributes = ({ server, page, chat }) => ({ server, page, chat: window.asAttributes(chat) });
window.app = {
  mount(given, place) {
    props = attributes(given);
    const live = { get server() { return props.server; }, get page() { return props.page; }, get chat() { return props.chat; } };
    app = mount(App, { target: place, props: live });
  },
  change(given) {
    props = attributes(given);
    flushSync();
  },
  unmount: () => unmount(app),
};
