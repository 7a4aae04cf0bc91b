let loading = null;

/* Nothing here touches the page before the call, so that a server may import it, too. */
export function loadEceChat(server) {
  if (typeof document === "undefined") return Promise.reject(new Error("ece-widget: there is no page to load it into"));
  if (window.eceChat) return Promise.resolve(window.eceChat);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("/widget.js", server).href;
    script.async = true;
    script.onload = () =>
      window.eceChat ? resolve(window.eceChat) : reject(new Error(`ece-widget: ${script.src} is not ECE Widget's script`));
    script.onerror = () => reject(new Error(`ece-widget: ${script.src} could not be loaded`));
    document.head.append(script);
  }).finally(() => (loading = null));
  return loading;
}
