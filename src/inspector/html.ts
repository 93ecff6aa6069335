/** Markup, in contrast to unescaped text. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Insert = Html | string | number | false | undefined | readonly Html[];

/** A template that escapes all values except markup; `false` and `undefined` are omitted. */
export function html(parts: TemplateStringsArray, ...inserts: readonly Insert[]): Html {
  return new Html(parts.reduce((text, part, index) => text + textOf(inserts[index - 1]) + part));
}

function textOf(insert: Insert): string {
  if (insert === undefined || insert === false) return "";
  if (insert instanceof Html) return insert.text;
  if (Array.isArray(insert)) return (insert as readonly Html[]).map(({ text }) => text).join("");
  return String(insert).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
