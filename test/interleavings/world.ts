/** A store as plain data: each step is a function from what is stored to an answer and to what is stored after it. */

/** What a step of the contract asks for. */
export type Ask =
  | { readonly step: "read"; readonly key: string }
  | { readonly step: "insert"; readonly key: string; readonly write: Put }
  | { readonly step: "replace"; readonly key: string; readonly expected: string; readonly write: Put }
  | { readonly step: "remove"; readonly key: string; readonly expected: string | undefined }
  | { readonly step: "readMany"; readonly keys: readonly string[] };

interface Put {
  readonly text: string;
  readonly commit: string;
  readonly lifetime: number;
}

export interface Entry {
  readonly text: string;
  readonly commit: string;
  readonly expiresAt: number;
}

/** Everything that is stored; never changed, only replaced. */
export type Records = ReadonlyMap<string, Entry>;

export interface Done {
  readonly records: Records;
  /** As JSON, with `undefined` as null. */
  readonly answer: string;
  /** The key that the step wrote to or removed, if it did. */
  readonly changed?: string;
}

/** Ways in which an engine may break its promise, to see that it is noticed. */
export type EngineFault = "blind replace" | "insert overwrites" | "replace revives";

const OK = JSON.stringify({ status: "ok" });
const GONE = JSON.stringify({ status: "gone" });

export function perform(records: Records, ask: Ask, now: number, fault?: EngineFault): Done {
  const live = (key: string) => {
    const entry = records.get(key);
    return entry && entry.expiresAt > now ? { text: entry.text, commit: entry.commit } : undefined;
  };
  const put = (key: string, { text, commit, lifetime }: Put, answer: string): Done => ({
    records: new Map(records).set(key, { text, commit, expiresAt: now + lifetime * 1000 }),
    answer,
    changed: key,
  });
  if (ask.step === "readMany") {
    const found = ask.keys.flatMap((key) => {
      const entry = live(key);
      return entry ? [[key, entry]] : [];
    });
    return { records, answer: JSON.stringify(found) };
  }
  const current = live(ask.key);
  switch (ask.step) {
    case "read":
      return { records, answer: JSON.stringify(current ?? null) };
    case "insert":
      if (current !== undefined && fault !== "insert overwrites") return { records, answer: "false" };
      return put(ask.key, ask.write, "true");
    case "replace":
      if (current === undefined && fault === "replace revives") return put(ask.key, ask.write, OK);
      if (current === undefined) return { records, answer: GONE };
      if (current.commit !== ask.expected && fault !== "blind replace")
        return { records, answer: JSON.stringify({ status: "conflict", current }) };
      return put(ask.key, ask.write, OK);
    case "remove": {
      if (current === undefined) return { records, answer: GONE };
      if (ask.expected !== undefined && ask.expected !== current.commit)
        return { records, answer: JSON.stringify({ status: "conflict", current }) };
      const left = new Map(records);
      left.delete(ask.key);
      return { records: left, answer: OK, changed: ask.key };
    }
  }
}

const texts = new WeakMap<Records, string>();

/** What is stored as one text, to tell whether two worlds are the same. */
export function textOf(records: Records): string {
  let text = texts.get(records);
  if (text === undefined) {
    text = JSON.stringify([...records].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    texts.set(records, text);
  }
  return text;
}
