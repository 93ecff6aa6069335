import type { ReactNode } from "react";
import "./globals.css";

/** The starter's, without the fonts that it fetches when it is built. */
export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
