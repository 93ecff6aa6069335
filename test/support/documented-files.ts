import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const repository = join(import.meta.dirname, "../..");
/** A block that names its file: "`src/hooks.server.ts`:" before it, and nothing between. */
const BLOCK = /`([^`\n]+)`[^`\n]*:\n\n```(?:tsx?|js|svelte|astro)(?: no-check)?\n([\s\S]*?)```/g;

/**
 * Compares the files that a page shows with those of a tested app. A page may show a file twice, for another app.
 *
 * @param names the files to compare, relative to the app; by default all that the page shows
 * @returns what is not the same, and a complaint if the page shows no file at all
 */
export function documentedFiles(page: string, app: string, names?: readonly string[]): string[] {
  const shown = [...readFileSync(join(repository, page), "utf8").matchAll(BLOCK)].map(
    ([, name = "", text = ""]) => ({ name, text }),
  );
  const first = [...new Set(shown.map(({ name }) => name))];
  if (first.length === 0) return [`${page} shows no file`];
  return (names ?? first).flatMap((name) => {
    const texts = shown.filter((block) => block.name === name).map(({ text }) => text);
    const path = join(app, name);
    if (!existsSync(path)) return [`${page} shows ${name}, which the tested app has not`];
    const isShown = texts.includes(readFileSync(path, "utf8"));
    return isShown ? [] : [`${page} shows another ${name} than the tested app has`];
  });
}
