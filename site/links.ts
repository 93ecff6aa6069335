import { posix } from "node:path";
import type { Page } from "./contents.ts";

/** Where files that are not pages of the site can be read. */
const REPOSITORY = "https://github.com/hipflask/hipflask";
const LINK = /(\]\(|(?:src|href)=")([^)\s"]+)/g;

/**
 * Rewrites the links of a Markdown file of the repository for the site: to another page, to a copied picture, or to the
 * repository.
 *
 * @param file the path of the Markdown file in the repository
 * @param isFolder whether a path in the repository is a folder
 * @throws Error for a link that leads out of the repository
 */
export function siteLinks(
  markdown: string,
  file: string,
  pages: ReadonlyMap<string, Page>,
  isFolder: (path: string) => boolean,
): string {
  return markdown.replaceAll(LINK, (whole, before: string, target: string) => {
    if (/^(?:[a-z]+:|#|\/)/.test(target)) return whole;
    const [path = "", hash] = target.split("#");
    const resolved = posix.join(posix.dirname(file), path);
    if (resolved.startsWith("..")) throw new Error(`${file} links to ${target}, outside of the repository.`);
    const page = pages.get(resolved) ?? pages.get(posix.join(resolved, "README.md"));
    const anchor = hash === undefined ? "" : `#${hash}`;
    if (page !== undefined) return `${before}${page.link}${anchor}`;
    if (resolved.startsWith("docs/images/")) return `${before}/${resolved.slice("docs/".length)}`;
    return `${before}${REPOSITORY}/${isFolder(resolved) ? "tree" : "blob"}/main/${resolved.replace(/\/$/, "")}${anchor}`;
  });
}
