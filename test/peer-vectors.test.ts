import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as accepts from "../src/accepts.ts";
import { checkPeerVectors } from "./support/peer-vectors.ts";

const text = readFileSync(new URL("vectors/peers.json", import.meta.url), "utf8");
const vectors: any[] = JSON.parse(text).vectors;

describe("the readers of hipflask/accepts", () => {
  it("agree with the real packages on every vector", () => {
    const report = checkPeerVectors(JSON.parse(text));
    expect(report.failures).toEqual([]);
    expect(report.passed).toBeGreaterThan(500);
  });

  it("cover every format", () => {
    const formats = Object.keys(JSON.parse(text).formats);
    expect(formats).toHaveLength(18);
    expect(new Set(vectors.map((vector) => vector.format))).toEqual(new Set(formats));
  });
});

describe("docs/migrating.md", () => {
  const page = readFileSync(new URL("../docs/migrating.md", import.meta.url), "utf8");
  const table = page.slice(page.indexOf("## The readers"), page.indexOf("All readers take besides"));
  const rows = table.split("\n").filter((line) => /^\| [^|]+ \| `/.test(line));

  it("has a row for every format, and one for our own", () => {
    expect(rows).toHaveLength(18 + 1);
  });

  it("names every reader", () => {
    const named = rows.map((row) => /^\| [^|]+ \| `(\w+)`/.exec(row)?.[1]);
    expect(new Set(named)).toEqual(new Set(Object.keys(accepts)));
  });

  it("names no option that no reader takes", () => {
    const folder = new URL("../src/accepts/", import.meta.url);
    const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), "utf8"));
    const options = rows.flatMap((row) =>
      [...row.split("|")[3]!.matchAll(/`(\w+)/g)].map(([, name]) => name),
    );
    const unknown = options.filter(
      (name) => !sources.some((source) => new RegExp(`^  (readonly )?${name}\\??: `, "m").test(source)),
    );
    expect(unknown).toEqual([]);
  });
});

describe("checkPeerVectors", () => {
  it.each<[what: string, alter: (vector: any) => void]>([
    ["the payload", (vector) => (vector.payload = { other: true })],
    ["the format", (vector) => (vector.format = "some-session")],
    ["the cookie", (vector) => (vector.cookieHeader = vector.cookieHeader.replace("=", "=A"))],
    ["the cookie's name", (vector) => (vector.cookieHeader = `x${vector.cookieHeader}`)],
    ["a verdict in time", (vector) => flip(vector.clocks)],
    ["a negative's verdict", (vector) => flip(vector.negatives)],
    ["the expected id", (vector) => vector.sid && (vector.sid += "x")],
    ["the Set-Cookie line", (vector) => vector.setCookie.push(vector.setCookie.pop().replace("=", "=A"))],
    ["the inner value", (vector) => vector.innerValue && (vector.innerValue = "{}")],
    ["the id in the cookie", (vector) => vector.sessionId && (vector.sessionId += "x")],
    ["the stored record", (vector) => vector.storeRecord && (vector.storeRecord = { cookie: {}, x: 1 })],
  ])("fails if %s of any vector is altered", (_, alter) => {
    let altered = 0;
    for (const original of vectors) {
      const vector = structuredClone(original);
      // Making the key of this one again and again would take half a minute.
      if (vector.config.salt === "mq9hDxBVDbspDR6n") continue;
      alter(vector);
      if (JSON.stringify(vector) === JSON.stringify(original)) continue;
      altered += 1;
      expect([vector.id, checkPeerVectors({ vectors: [vector] }).failures.length > 0]).toEqual([
        vector.id,
        true,
      ]);
    }
    expect(altered).toBeGreaterThan(1);
  });

  it("fails for a file without vectors", () => {
    for (const empty of [null, {}, [], { vectors: [] }, { vectors: "many" }]) {
      expect(checkPeerVectors(empty).failures).not.toEqual([]);
    }
  });
});

function flip(verdicts: any[] | undefined): void {
  if (verdicts?.[0] !== undefined) verdicts[0].acceptedByOriginal = !verdicts[0].acceptedByOriginal;
}
