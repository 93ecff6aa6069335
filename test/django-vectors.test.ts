import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkDjangoVectors } from "./support/django-vectors.ts";

const text = readFileSync(new URL("vectors/django.json", import.meta.url), "utf8");

describe("hipflask/codecs/django agrees with real Django", () => {
  const { session_data, requests, blocks, ...rest } = JSON.parse(text);
  const named = (vectors: any[]) => vectors.map((vector) => [vector.name, vector] as const);
  const failuresIn = (vectors: object) =>
    checkDjangoVectors({ session_data: session_data.slice(0, 1), ...vectors }).failures;

  it.each(named(session_data))("on %s", (_, vector) => {
    expect(failuresIn({ session_data: [vector] })).toEqual([]);
  });

  it.each(named(requests))("on the cookie of the request %s", (_, request) => {
    expect(failuresIn({ requests: [request] })).toEqual([]);
  });

  it("on base 62 and signing, and there is nothing more in the file", () => {
    expect(failuresIn({ ...rest, blocks })).toEqual([]);
    expect(session_data.length + requests.length).toBeGreaterThan(200);
  });
});

describe("checkDjangoVectors", () => {
  it.each<[what: string, alter: (vector: any) => void]>([
    ["a verdict", (vector) => (vector.expected = vector.expected === "valid" ? "expired" : "valid")],
    [
      "every key",
      (vector) => [vector.secret_key, ...vector.fallback_keys].forEach((key: any) => (key.hex += "00")),
    ],
    ["the salt", (vector) => (vector.salt += "x")],
    ["the text", (vector) => (vector.data = vector.data.replace(/.$/, "."))],
    ["the value", (vector) => (vector.payload = { t: "dict", v: [["other", { t: "int", v: "1" }]] })],
  ])("fails if %s of any vector is altered", (_, alter) => {
    const { length } = JSON.parse(text).session_data;
    for (let i = 0; i < length; i += 1) {
      const vector = JSON.parse(text).session_data[i];
      if (vector.expected !== "valid" || vector.strict !== "must") continue;
      alter(vector);
      expect(checkDjangoVectors({ session_data: [vector] }).failures).not.toEqual([]);
    }
  });

  it("fails if the cookie of any response is altered", () => {
    const { session_data, requests } = JSON.parse(text);
    const written = requests.filter(({ expect: { set_cookie } }: any) => /=[^"]/.test(set_cookie[0] ?? ""));
    expect(written.length).toBeGreaterThan(20);
    for (const request of written) {
      request.expect.set_cookie[0] = request.expect.set_cookie[0].replace("=", "=A");
      const report = checkDjangoVectors({ session_data, requests: [request] });
      expect(report.failures).toHaveLength(1);
    }
  });

  it("fails for what it does not know", () => {
    const { session_data } = JSON.parse(text);
    expect(checkDjangoVectors({ session_data, more: [] }).failures).not.toEqual([]);
    expect(
      checkDjangoVectors({ session_data: [{ ...session_data[0], kind: "cache" }] }).failures,
    ).not.toEqual([]);
  });

  it("fails for a file without vectors", () => {
    for (const empty of [null, {}, { session_data: [] }]) {
      expect(checkDjangoVectors(empty).failures).not.toEqual([]);
    }
  });
});
