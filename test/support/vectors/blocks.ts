import { dumpCookie, parseCookie, TaggedJSONSerializer } from "hipflask";
import { Signer, TimestampSigner } from "hipflask/itsdangerous";
import {
  bytesOf,
  checkFields,
  judge,
  oneOf,
  secretOf,
  type Check,
  type Raw,
  type Verdict,
  type VectorKey,
} from "./check.ts";
import { asNotation, describe, describeText, describeValue, fromBits, toBits, toValue } from "./notation.ts";

/** Runs the building blocks: each through the public function that an app would reach it by. */
export function judgeBlocks(blocks: Readonly<Record<string, unknown>>): Verdict[] {
  return Object.entries(blocks).flatMap(([name, raws]) => {
    const items = Array.isArray(raws) ? (raws as readonly Raw[]) : [];
    const block = Object.hasOwn(BLOCKS, name) ? BLOCKS[name] : undefined;
    if (block === undefined || items.length === 0) {
      return [judge(`blocks ${name}`, (check) => check.fail("The runner finds nothing that it knows here."))];
    }
    return items.map((raw, index) =>
      judge(`blocks ${name}[${index}]`, (check) => block(check, raw as never)),
    );
  });
}

const json = new TaggedJSONSerializer();

const BLOCKS: Readonly<Record<string, (check: Check, raw: never) => void>> = {
  signing(check, raw: { secret_key: VectorKey; salt: string; signed_text: string; signature: string } & Raw) {
    checkFields(raw, ["secret_key", "salt", "derived_key_hex", "signed_text", "signature", "check_hex"]);
    const { salt, signed_text, signature } = raw;
    for (const secret of new Set([secretOf(raw.secret_key), bytesOf(raw.secret_key)])) {
      const signer = new Signer(secret, { salt, keyDerivation: "hmac" });
      check.equal("deriveKey", hexOf(signer.deriveKey()), raw["derived_key_hex"]);
      check.equal("getSignature", signer.getSignature(signed_text), signature);
      check.equal("unsign", signer.unsign(`${signed_text}.${signature}`), signed_text);
    }
    check.equal("signature", hexOf(Buffer.from(signature, "base64url")), raw["check_hex"]);
  },

  timestamps(check, raw: { seconds: number; segment: string } & Raw) {
    checkFields(raw, ["seconds", "segment"]);
    const signer = new TimestampSigner("secret", { now: () => raw.seconds * 1000 + 999 });
    const signed = signer.sign("value");
    check.equal("segment", signed.split(".")[1], raw.segment);
    const [, date] = signer.unsign(signed, { returnTimestamp: true });
    check.equal("seconds", date.getTime() / 1000, raw.seconds);
  },

  floats(check, raw: { bits: string; json: string } & Raw) {
    checkFields(raw, ["bits", "json"]);
    const node = { t: "float", v: raw.json, bits: raw.bits } as const;
    check.equal("written", json.dumps(toValue(node)), raw.json);
    check.equal("written in a list", json.dumps([toValue(node)]), `[${raw.json}]`);
    check.equal("read", describeText(raw.json), describe(node));
    if (!Number.isNaN(fromBits(raw.bits))) {
      check.equal("bits read", toBits(json.loads(raw.json) as number), raw.bits);
    }
    check.equal("read and written", json.dumps(json.loads(`[${raw.json}]`)), `[${raw.json}]`);
  },

  strings(check, raw: { utf16: string[]; json: string } & Raw) {
    checkFields(raw, ["utf16", "json"]);
    const text = String.fromCharCode(...raw.utf16.map((unit) => Number.parseInt(unit, 16)));
    check.equal("written", json.dumps(text), raw.json);
    check.equal("read", describeText(raw.json), describeValue(text));
    check.equal("written as a key", json.dumpsFields(new Map([[text, "0"]])), `{${raw.json}:0}`);
  },

  key_order(check, raw: { keys: string[]; sorted: string[] } & Raw) {
    checkFields(raw, ["keys", "sorted"]);
    const fields = new Map(raw.keys.map((key) => [key, "null"]));
    check.equal("session", [...json.loadsFields(json.dumpsFields(fields)).keys()], raw.sorted);
    const nested = json.dumps(Object.fromEntries(raw.keys.map((key) => [key, null])));
    check.equal("nested", nested, `{${raw.sorted.map((key) => `${json.dumps(key)}:null`).join(",")}}`);
  },

  http_dates(check, raw: { epoch: number; text: string } & Raw) {
    checkFields(raw, ["epoch", "text"]);
    for (const late of [0, 1, 999]) {
      check.equal(
        `written ${late} ms later`,
        json.dumps(new Date(raw.epoch * 1000 + late)),
        tagged(raw.text),
      );
    }
    const line = dumpCookie("s", "", { expires: raw.epoch * 1000 });
    check.equal("in a cookie", line, `s=; Expires=${raw.text}`);
  },

  parse_dates(check, raw: { text: string } & Raw) {
    checkFields(raw, ["text", "result"]);
    check.equal("read", describeText(tagged(raw.text)), describe(asNotation(raw["result"])));
  },

  dump_cookie(check, raw: { args: DumpCookieArgs & Raw; header: string } & Raw) {
    checkFields(raw, ["args", "header"]);
    const { args } = raw;
    checkFields(args, ["key", "value"], ATTRIBUTES);
    const line = dumpCookie(args.key, args.value, {
      domain: args.domain ?? undefined,
      expires: args.expires === undefined ? undefined : args.expires * 1000,
      maxAge: args.max_age,
      secure: args.secure,
      httpOnly: args.httponly,
      // Werkzeug's default is "/" and its None is no attribute.
      path: args.path === undefined ? "/" : (args.path ?? undefined),
      sameSite: sameSiteOf(args.samesite),
      partitioned: args.partitioned,
    });
    check.equal("header", line, raw.header);
  },

  parse_cookie(check, raw: { header: string } & Raw) {
    checkFields(raw, ["header", "pairs"]);
    const pairs = raw["pairs"] as [string, string][];
    // Werkzeug lets a quoted value reach over the end of its pair; for us no cookie can take another one in.
    const isSpanning = /"[^"]*;[^"]*"/.test(raw.header);
    if (!isSpanning) return check.equal("pairs", parseCookie(raw.header), pairs);
    const names = new Set(parseCookie(raw.header).map(([name]) => name));
    check.equal(
      "every name of Werkzeug's is there",
      pairs.filter(([name]) => !names.has(name)),
      [],
    );
    check.equal(
      "no pair reaches over its end",
      parseCookie(raw.header).some(([, value]) => value.includes(";")),
      false,
    );
  },

  flask_session_signed_sid(check, raw: { secret_key: VectorKey; sid: string; cookie: string } & Raw) {
    checkFields(raw, ["secret_key", "sid", "cookie"]);
    const signer = new Signer(secretOf(raw.secret_key), { salt: "flask-session", keyDerivation: "hmac" });
    check.equal("sign", signer.sign(raw.sid), raw.cookie);
    check.equal("unsign", signer.unsign(raw.cookie), raw.sid);
  },
};

interface DumpCookieArgs {
  readonly key: string;
  readonly value: string;
  readonly domain?: string | null;
  /** Epoch seconds. */
  readonly expires?: number;
  readonly max_age?: number;
  readonly secure?: boolean;
  readonly httponly?: boolean;
  readonly path?: string | null;
  readonly samesite?: string | null;
  readonly partitioned?: boolean;
}

const ATTRIBUTES = ["domain", "expires", "max_age", "secure", "httponly", "path", "samesite", "partitioned"];

/** Werkzeug takes any capitalisation here; hipflask where options are given. */
function sameSiteOf(word: string | null | undefined) {
  if (word === undefined || word === null) return undefined;
  const capitalised = word[0]!.toUpperCase() + word.slice(1).toLowerCase();
  return oneOf("samesite", capitalised, ["Strict", "Lax", "None"]);
}

function tagged(date: string): string {
  return `{" d":${json.dumps(date)}}`;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
