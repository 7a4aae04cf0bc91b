import { StrictMode } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { App } from "./examples/react/App.tsx";

const page = (given) => (
  <StrictMode>
    <App {...given} />
  </StrictMode>
);
let root;
window.app = {
  mount(given, place) {
    root = createRoot(place);
    root.render(page(given));
  },
  hydrate(given, place) {
    place.innerHTML = renderToString(page(given));
    root = hydrateRoot(place, page(given), { onRecoverableError: (fault) => console.error(String(fault)) });
  },
  change: (given) => root.render(page(given)),
  unmount: () => root.unmount(),
};
