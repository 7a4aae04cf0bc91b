import { loadEceChat, type Decision } from "ece-widget";

const chat = await loadEceChat("https://chat.example.com");
const element = chat.create({ entryPoint: "sales", open: "dock", scheme: "dark", theme: null });
chat.update("sales", { locale: "de", target: "#help" });
element?.addEventListener("ece-chat-change", (event) => {
  const decision: Decision = event.detail;
  console.log(decision.waitTime, decision.state === "available");
});
document.addEventListener("ece-chat-open", (event) => event.preventDefault());
document.createElement("ece-chat").setAttribute("entry-point", "sales");
window.eceChat?.survey("https://chat.example.com/survey/token");
window.eceChat?.destroy();
