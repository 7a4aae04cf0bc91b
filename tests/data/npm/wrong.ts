import { loadEceChat } from "ece-widget";
const chat = await loadEceChat("https://chat.example.com");
document.createElement("ece-chat").addEventListener("ece-chat-change", (event) => {
  chat.create({}); // wrong
  chat.create({ entryPoint: "sales", open: "window" }); // wrong
  chat.create({ entryPoint: "sales", schema: "dark" }); // wrong
  chat.create({ entryPoint: 1001 }); // wrong
  chat.update({ entryPoint: "sales" }); // wrong
  chat.start(); // wrong
  event.detail.waiting; // wrong
  event.detail.waitTime + 1; // wrong
});
