import type { CreateOptions } from "ece-widget";
import { EceChat } from "ece-widget/react";

/* A site with two pages; the chat is on one of them. */
export function App({ server, page, chat }: { server: string; page: "home" | "help"; chat: CreateOptions }) {
  return (
    <main>
      <h1>{page}</h1>
      {page === "help" && <EceChat server={server} {...chat} onOpen={(event) => console.info(event.detail?.waitTime)} />}
    </main>
  );
}
