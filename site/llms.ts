import type { Section } from "./contents.ts";

/** The index of the site for language models (llmstxt.org): each page as Markdown. */
export function llmsText(sections: readonly Section[]): string {
  const lists = sections.map(({ title, pages }) => {
    const lines = pages.map(
      (page) => `- [${page.title}](${page.link.endsWith("/") ? `${page.link}index` : page.link}.md)`,
    );
    return `## ${title}\n\n${lines.join("\n")}\n`;
  });
  return `# hipflask

> Flask's session for TypeScript servers: same semantics and, byte for byte, the same cookie as Python's Flask; with a
> store behind it, a session that never loses a write, never revives a logged-out user and never answers before it has saved.

${lists.join("\n")}
## Optional

- [API reference](/api/index.md)
`;
}
