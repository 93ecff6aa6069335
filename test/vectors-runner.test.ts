import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Verdict } from "./support/vectors/check.ts";
import { runFiles } from "./support/vectors/run-files.ts";
import { judgeFlask, runVectors } from "./support/vectors/run.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- vectors are modified here
type Vector = any;

const FLASK = new URL("vectors/flask.json", import.meta.url);
const flask = JSON.parse(readFileSync(FLASK, "utf8")) as Vector;

/** Spoils a copy of every vector that the change applies to (it returns false for the others) and judges them. */
function judgeSpoilt(section: string, vectors: Vector[], spoil: (vector: Vector) => unknown): Verdict[] {
  const spoilt = structuredClone(vectors).filter((vector) => spoil(vector) !== false);
  return judgeFlask({ [section]: spoilt });
}

const passed = (verdicts: Verdict[]) =>
  verdicts.filter(({ problems }) => problems().length === 0).map((v) => v.name);

/** The names of spoilt vectors that passed all the same. @throws if there was hardly anything to spoil */
function survivorsOf(verdicts: Verdict[], atLeast = 1): string[] {
  if (verdicts.length < atLeast) throw new Error(`Only ${verdicts.length} vectors were spoilt.`);
  return passed(verdicts);
}

/** Another value of the same look: what a careless comparison would take for the same. */
function alter(node: Vector): Vector {
  switch (node.t) {
    case "int":
      return { t: "float", v: `${node.v}.0`, bits: bitsOf(Number(node.v)) };
    case "float":
      return { ...node, bits: node.bits.replace(/.$/, (digit: string) => (digit === "0" ? "1" : "0")) };
    case "str":
      return { t: "markup", v: node.v, utf16: node.utf16 };
    case "tuple":
      return { ...node, t: "list" };
    case "list":
      return { ...node, t: "tuple" };
    case "bytes":
      return { ...node, hex: `${node.hex}00` };
    case "datetime":
      return { ...node, epoch: node.epoch + 1 };
    case "uuid":
      return { t: "str", v: node.v };
    case "markup":
      return { ...node, t: "str" };
    case "bool":
      return { t: "int", v: node.v ? "1" : "0" };
    case "null":
      return { t: "str", v: "" };
    default:
      return { t: "dict", v: [...node.v, ["one more", { t: "null" }]] };
  }
}

function bitsOf(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString("hex");
}

/** Alters the value of the last key of a dict. */
function alterLast(dict: Vector): unknown {
  const entry = dict?.v.at(-1);
  if (entry === undefined) return false;
  entry[1] = alter(entry[1]);
  return true;
}

describe("runVectors on spoilt cookies", () => {
  const decoded = flask.cookies.filter((v: Vector) => v.strict === "must");
  const encoded = flask.cookies.filter((v: Vector) => v.encode !== "none");

  it("reports another verdict", () => {
    const flips = judgeSpoilt("cookies", decoded, (vector) => {
      vector.payload = vector.expected === "valid" ? null : { t: "dict", v: [] };
      vector.expected = vector.expected === "valid" ? "bad_signature" : "valid";
      vector.encode = "none";
    });
    expect(survivorsOf(flips, 300)).toEqual([]);
  });

  it("reports another reason, where the reason counts, and only there", () => {
    const swap = (vector: Vector) => {
      if (vector.expected === "valid") return false;
      vector.expected = vector.expected === "expired" ? "future" : "expired";
      return true;
    };
    const counts = (reason: string) => decoded.filter((v: Vector) => v.reason === reason);
    expect(survivorsOf(judgeSpoilt("cookies", counts("exact"), swap), 50)).toEqual([]);
    const any = judgeSpoilt("cookies", counts("any"), swap);
    expect(passed(any)).toHaveLength(any.length);
  });

  it("reports another value, and the same value of another type", () => {
    const isValid = decoded.filter((v: Vector) => v.expected === "valid" && v.encode === "none");
    expect(
      survivorsOf(
        judgeSpoilt("cookies", isValid, (v) => alterLast(v.payload)),
        20,
      ),
    ).toEqual([]);
    expect(
      survivorsOf(
        judgeSpoilt("cookies", isValid, (v) => (v.payload = alter(v.payload))),
        20,
      ),
    ).toEqual([]);
  });

  it("reports another time of signing", () => {
    const isValid = decoded.filter((v: Vector) => v.expected === "valid" && v.timestamp !== null);
    expect(
      survivorsOf(
        judgeSpoilt("cookies", isValid, (v) => (v.timestamp += 1)),
        100,
      ),
    ).toEqual([]);
  });

  it("reports other JSON, and another cookie where bytes count", () => {
    expect(
      survivorsOf(
        judgeSpoilt("cookies", encoded, (v) => (v.json = v.json.replace(/}$/, " }"))),
        100,
      ),
    ).toEqual([]);
    const exact = encoded.filter((v: Vector) => v.encode === "exact");
    // Valid for other reasons: the reader is told the other key, so only the writer gives itself away.
    const rekeyed = judgeSpoilt("cookies", exact, (v) => {
      v.fallback_keys = [v.secret_key];
      v.secret_key = { hex: "6f74686572", utf8: "other" };
    });
    expect(survivorsOf(rekeyed, 40)).toEqual([]);
  });

  it("reports a bomb that is accepted and a lax cookie that is refused for a wrong reason", () => {
    const valid = decoded.filter((v: Vector) => v.expected === "valid").slice(0, 10);
    expect(survivorsOf(judgeSpoilt("cookies", valid, (v) => (v.strict = "bomb")))).toEqual([]);
    const expired = decoded.filter((v: Vector) => v.expected === "expired" && v.reason === "exact");
    expect(survivorsOf(judgeSpoilt("cookies", expired, (v) => (v.strict = "may-reject")))).toEqual([]);
    expect(survivorsOf(judgeSpoilt("cookies", expired, (v) => (v.strict = "either")))).toEqual([]);
  });

  it.each(["expected", "strict", "reason", "encode", "digest", "key_derivation"])(
    "reports an unknown word in %s",
    (field) => {
      expect(
        survivorsOf(
          judgeSpoilt("cookies", flask.cookies, (v) => (v[field] = "sometimes")),
          300,
        ),
      ).toEqual([]);
    },
  );
});

describe("runVectors on spoilt requests", () => {
  const spoilt: Record<string, (expect: Vector, vector: Vector) => unknown> = {
    status: (expect) => (expect.status += 1),
    "set_cookie, one more": (expect) => expect.set_cookie.push("session=x; HttpOnly; Path=/"),
    "set_cookie, one less": (expect) => expect.set_cookie.length > 0 && expect.set_cookie.pop(),
    "set_cookie, another attribute": (expect) => {
      if (expect.set_cookie.length === 0) return false;
      expect.set_cookie[0] += "; Priority=High";
      return true;
    },
    "set_cookie, another value": (expect) => {
      if (expect.set_cookie.length === 0 || expect.compare !== "exact") return false;
      expect.set_cookie[0] = expect.set_cookie[0].replace("=", "=x");
      return true;
    },
    "payload, another type": (expect) => alterLast(expect.payload),
    vary: (expect) => (expect.vary = expect.vary === null ? "Cookie" : null),
    warns_too_large: (expect) => (expect.warns_too_large = !expect.warns_too_large),
    modified: (expect) => (expect.modified = !expect.modified),
    accessed: (expect) => (expect.accessed = !expect.accessed),
    null_session: (expect) => (expect.null_session = !expect.null_session),
    session_after: (expect) => (expect.session_after = alter(expect.session_after)),
    "session_after, another type": (expect) => alterLast(expect.session_after),
    "results, one less": (expect) => expect.results.length > 0 && expect.results.pop(),
    "results, another one": (expect) => {
      if (expect.results.length === 0) return false;
      expect.results[0] = { ok: { t: "str", v: "something else" } };
      return true;
    },
    "results, an exception": (expect) => {
      if (expect.results.length === 0 || "raises" in expect.results[0]) return false;
      expect.results[0] = { raises: "KeyError" };
      return true;
    },
    "unknown exception": (expect) => {
      if (!expect.results.some((result: Vector) => "raises" in result)) return false;
      expect.results = expect.results.map(() => ({ raises: "ValueError" }));
      return true;
    },
    "unknown operation": (_, vector) => {
      if (vector.ops.length === 0) return false;
      vector.ops[0][0] = "fromkeys";
      return true;
    },
    "unknown way to compare": (expect) => (expect.compare = "roughly"),
    "unknown expectation": (expect) => (expect.max_age = 5),
  };
  // Flask answers this one when it saves; hipflask does not even start and so has nothing to compare.
  const requests = flask.requests.filter(
    (v: Vector) => v.name !== "set-samesite-bad" && !(v.config.PERMANENT_SESSION_LIFETIME <= 0),
  );

  it.each(Object.entries(spoilt))("reports %s", (_, spoil) => {
    const verdicts = judgeSpoilt("requests", requests, (vector) => spoil(vector.expect, vector));
    expect(survivorsOf(verdicts)).toEqual([]);
  });

  // No operation of a flow raises anything.
  const { "unknown exception": _, ...inFlows } = spoilt;
  it.each(Object.entries(inFlows))("reports %s in a flow", (_, spoil) => {
    const verdicts = judgeSpoilt("flows", flask.flows, (flow) => {
      const applied = flow.steps.map((step: Vector) => spoil(step.expect, step));
      return applied.some((outcome: unknown) => outcome !== false);
    });
    expect(survivorsOf(verdicts)).toEqual([]);
  });

  it("reports a refusal to start where Flask works", () => {
    const verdicts = judgeSpoilt("requests", requests.slice(0, 3), (vector) => {
      vector.config = { SESSION_COOKIE_SAMESITE: "maybe" };
    });
    expect(survivorsOf(verdicts, 3)).toEqual([]);
  });

  it("reports a setting that it does not know", () => {
    expect(
      survivorsOf(
        judgeSpoilt("requests", requests, (v) => (v.config.SESSION_COOKIE_COLOUR = "red")),
        100,
      ),
    ).toEqual([]);
  });
});

describe("runVectors on spoilt blocks", () => {
  const altered: Record<string, (item: Vector) => unknown> = {
    signing: (item) => (item.derived_key_hex = item.signature),
    timestamps: (item) => (item.segment += "A"),
    floats: (item) => (item.json += "0"),
    strings: (item) => item.utf16.push("0041"),
    key_order: (item) => item.sorted.unshift(item.sorted.pop()),
    http_dates: (item) => (item.epoch += 1),
    parse_dates: (item) => (item.result = alter(item.result)),
    dump_cookie: (item) => (item.header += ";"),
    parse_cookie: (item) => item.pairs.push(["a", "b"]),
    flask_session_signed_sid: (item) => (item.sid += "x"),
  };

  it("covers every block", () => {
    expect(Object.keys(altered).sort()).toEqual(Object.keys(flask.blocks).sort());
  });

  it.each(Object.entries(altered))("reports an altered item of %s", (name, spoil) => {
    const items = structuredClone(flask.blocks[name]);
    items.forEach(spoil);
    expect(survivorsOf(judgeFlask({ blocks: { [name]: items } }), items.length)).toEqual([]);
  });

  it("reports a block that it does not know, or that is empty", () => {
    expect(survivorsOf(judgeFlask({ blocks: { etags: [{}] } }))).toEqual([]);
    expect(survivorsOf(judgeFlask({ blocks: { floats: [] } }))).toEqual([]);
  });
});

describe("runVectors", () => {
  it.each(["cookies", "requests", "flows"])(
    "reports a field of %s that it does not know, or misses",
    (section) => {
      expect(survivorsOf(judgeSpoilt(section, flask[section], (v) => (v.new_rule = true)))).toEqual([]);
      expect(survivorsOf(judgeSpoilt(section, flask[section], (v) => delete v.secret_key))).toEqual([]);
    },
  );

  it.each([
    [{}],
    [[]],
    [null],
    ["text"],
    [{ doc: {} }],
    [{ cookies: [] }],
    [{ cookies: 5 }],
    [{ crumbs: [{}] }],
  ])("reports that %j holds no vectors", (file) => {
    expect(runVectors(file)).toMatchObject({ passed: 0, failures: [expect.any(String)] });
  });
});

describe("runFiles", () => {
  const folder = mkdtempSync(join(tmpdir(), "vectors-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  function run(...files: string[]) {
    const lines: string[] = [];
    const status = runFiles(files, (line) => lines.push(line));
    return { status, lastLine: lines.at(-1), text: lines.join("\n") };
  }

  function fileOf(content: unknown): string {
    const path = join(folder, `${Math.random()}.json`);
    writeFileSync(path, JSON.stringify(content));
    return path;
  }

  it("counts what passes, over several files, and ends with 0", () => {
    const small = fileOf({ cookies: flask.cookies.slice(0, 2) });
    expect(run(small, fileOf({ flows: flask.flows }))).toMatchObject({
      status: 0,
      lastLine: "7 passed, 0 failed",
    });
  });

  it("names what fails, with what was expected, and ends with 1", () => {
    const [good, bad] = structuredClone(flask.cookies.slice(0, 2));
    bad.expected = "expired";
    const { status, lastLine, text } = run(fileOf({ cookies: [good, bad] }));
    expect({ status, lastLine }).toEqual({ status: 1, lastLine: "1 passed, 1 failed" });
    expect(text).toContain(bad.name);
    expect(text).toMatch(/expected expired\n\s+actual\s+valid/);
  });

  it("ends with 1 if there is nothing to run", () => {
    expect(run(fileOf({}))).toMatchObject({ status: 1, lastLine: "0 passed, 1 failed" });
  });

  it("ends with 2 if a file cannot be read", () => {
    const broken = join(folder, "broken.json");
    writeFileSync(broken, "{");
    for (const file of [broken, join(folder, "missing.json")]) {
      expect(run(file, fileOf({ flows: flask.flows }))).toMatchObject({
        status: 2,
        lastLine: "5 passed, 0 failed",
      });
    }
  });
});
