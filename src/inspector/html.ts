/** Markup, as opposed to text that has yet to be escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Insert = Html | string | number | false | undefined | readonly Html[];

/** A template in which everything that is not markup itself is escaped; `false` and `undefined` are nothing. */
export function html(parts: TemplateStringsArray, ...inserts: readonly Insert[]): Html {
  return new Html(parts.reduce((text, part, index) => text + textOf(inserts[index - 1]) + part));
}

function textOf(insert: Insert): string {
  if (insert === undefined || insert === false) return "";
  if (insert instanceof Html) return insert.text;
  if (Array.isArray(insert)) return (insert as readonly Html[]).map(({ text }) => text).join("");
  return String(insert).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
