import type {} from "ece-widget/react";
import Link from "next/link";

export default function Help() {
  return (
    <main>
      <h1>Help</h1>
      <Link href="/">Home</Link>
      <ece-chat entry-point="support"></ece-chat>
    </main>
  );
}
