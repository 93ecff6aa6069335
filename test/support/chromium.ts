import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { notInUnit } from "./project.ts";

notInUnit("a browser");

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Keeps Chromium from calling anybody but the server under test. */
const QUIET = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Where Chromium is on this machine, or `undefined`. */
export const chromiumPath: string | undefined = (process.env.PATH ?? "")
  .split(delimiter)
  .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  .concat("/usr/bin/chromium")
  .find(isExecutable);

/** Tests without a browser are skipped, and say so; in CI they fail. */
export const skipWithoutChromium = chromiumPath === undefined && process.env.CI === undefined;

if (skipWithoutChromium) console.warn("Browser tests are skipped: there is no chromium on the PATH.");

/** @param hosts names that lead to this machine, as if a name server said so */
export function launchChromium(hosts: readonly string[] = []): Promise<Browser> {
  if (chromiumPath === undefined)
    throw new Error("There is no chromium on the PATH. Install it for the browser tests.");
  const rules = hosts.map((host) => `MAP ${host} 127.0.0.1`).join(",");
  return chromium.launch({
    executablePath: chromiumPath,
    args: [...QUIET, ...(rules === "" ? [] : [`--host-resolver-rules=${rules}`])],
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
