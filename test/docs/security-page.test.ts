import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/security.md"), "utf8");
const rows = [...page.matchAll(/^\| (SEC-\d+|\d+\.\d+\.\d+) \| .+ \| (.+) \|$/gm)].map(
  ([, id = "", last = ""]) => ({ id, last }),
);
const requirements = rows.filter(({ id }) => id.startsWith("SEC-"));
const verifications = rows.filter(({ id }) => !id.startsWith("SEC-"));

/** Of each section of ASVS 5.0 that concerns sessions: how many verifications it has. */
const SECTIONS: Readonly<Record<string, number>> = {
  "3.3": 5,
  "3.5": 7,
  "7.1": 3,
  "7.2": 4,
  "7.3": 2,
  "7.4": 5,
  "7.5": 3,
  "7.6": 2,
  "9.1": 3,
  "9.2": 4,
  "11.1": 4,
  "11.2": 5,
  "11.3": 5,
  "11.4": 3,
  "11.5": 2,
  "11.6": 2,
  "11.7": 2,
  "14.2": 8,
  "14.3": 3,
  "15.3": 7,
  "15.4": 4,
  "16.1": 1,
  "16.2": 5,
  "16.3": 4,
  "16.4": 3,
  "16.5": 4,
};

describe("docs/security.md", () => {
  it("has each requirement once, with tests that are there and name it (SEC-80)", () => {
    const ids = requirements.map(({ id }) => id);
    expect(ids).toHaveLength(new Set(ids).size);
    expect(ids.length).toBeGreaterThan(50);
    for (const { id, last } of requirements) {
      const files = [...last.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, file = ""]) => join(root, file));
      expect(files.filter((file) => !existsSync(file))).toEqual([]);
      const text = files.map((file) => readFileSync(file, "utf8")).join("");
      const named = [...text.matchAll(/SEC-\d+/g)].map(([name]) => name);
      expect({ id, isNamed: named.includes(id) }).toEqual({ id, isNamed: true });
    }
  });

  it("answers every verification of OWASP ASVS 5.0 that concerns sessions (SEC-80)", () => {
    const all = Object.entries(SECTIONS).flatMap(([section, count]) =>
      Array.from({ length: count }, (_, at) => `${section}.${at + 1}`),
    );
    expect(verifications.map(({ id }) => id)).toEqual(all);
  });

  it("gives each of them a requirement that is on the page, or the application (SEC-80)", () => {
    const known = new Set(requirements.map(({ id }) => id));
    const faults = verifications.filter(({ last }) => {
      const named = last.match(/SEC-\d+/g) ?? [];
      return named.some((id) => !known.has(id)) || (named.length === 0 && !/application/i.test(last));
    });
    expect(faults).toEqual([]);
  });
});
