import { createApp, createSSRApp, h, nextTick, shallowRef } from "vue";
import { renderToString } from "vue/server-renderer";
import App from "./examples/vue/App.vue";

const given = shallowRef();
const root = { render: () => h(App, attributes(given.value)) };
const attributes = ({ server, page, chat }) => ({ server, page, chat: window.asAttributes(chat) });
let app;
window.app = {
  mount(first, place) {
    given.value = first;
    app = createApp(root);
    app.mount(place);
  },
  async hydrate(first, place) {
    given.value = first;
    place.innerHTML = await renderToString(createSSRApp(root));
    app = createSSRApp(root);
    app.mount(place);
  },
  change(next) {
    given.value = next;
    return nextTick();
  },
  unmount: () => app.unmount(),
};
