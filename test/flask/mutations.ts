import { Signer, type SignerOptions } from "hipflask/itsdangerous";
import type { Random } from "./random.ts";

type Mutation = (random: Random, cookie: string, other: string) => string;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const JUNK = [
  "!",
  "@",
  " ",
  "\t",
  '"',
  "'",
  ";",
  ",",
  "=",
  "%",
  "\\",
  "\0",
  "\x7f",
  "\x80",
  "é",
  "ÿ",
  ".",
  "..",
  "-",
  "_",
  "+",
  "/",
  "session=",
];

/** Ways to change a cookie without the key. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  untouched: (_, cookie) => cookie,
  "another letter": (random, cookie) => replaceAt(random, cookie, () => random.pick([...ALPHABET])),
  "another byte": (random, cookie) => replaceAt(random, cookie, () => String.fromCharCode(random.below(256))),
  "flipped bit": (random, cookie) =>
    replaceAt(random, cookie, (letter) => String.fromCharCode(letter.charCodeAt(0) ^ (1 << random.below(8)))),
  "flipped bit at the end": (random, cookie) =>
    cookie.slice(0, -1) + String.fromCharCode(cookie.charCodeAt(cookie.length - 1) ^ (1 << random.below(8))),
  "other spare bits": (random, cookie) => {
    const segments = cookie.split(".");
    const index = random.below(segments.length);
    segments[index] = segments[index]!.slice(0, -1) + random.pick([...ALPHABET]);
    return segments.join(".");
  },
  truncated: (random, cookie) => cookie.slice(0, random.below(cookie.length)),
  beheaded: (random, cookie) => cookie.slice(1 + random.below(cookie.length)),
  "without a middle": (random, cookie) => {
    const at = random.below(cookie.length);
    return cookie.slice(0, at) + cookie.slice(at + 1 + random.below(4));
  },
  "two letters swapped": (random, cookie) => {
    const letters = [...cookie];
    const [a, b] = [random.below(letters.length), random.below(letters.length)];
    [letters[a], letters[b]] = [letters[b]!, letters[a]!];
    return letters.join("");
  },
  "segments shuffled": (random, cookie) =>
    cookie
      .split(".")
      .map((segment) => [random.next(), segment] as const)
      .sort(([a], [b]) => a - b)
      .map(([, segment]) => segment)
      .join("."),
  "a segment of another cookie": (random, cookie, other) => {
    const [segments, others] = [cookie.split("."), other.split(".")];
    // From the end, where the signature and the time are.
    const index = 1 + random.below(3);
    segments[segments.length - index] = others[others.length - index] ?? "";
    return segments.join(".");
  },
  junk: (random, cookie) => {
    const at = random.below(cookie.length + 1);
    return cookie.slice(0, at) + random.pick(JUNK) + cookie.slice(at);
  },
  "junk around it": (random, cookie) => random.pick([random.pick(JUNK) + cookie, cookie + random.pick(JUNK)]),
  "standard alphabet": (_, cookie) => cookie.replaceAll("-", "+").replaceAll("_", "/"),
  "another case": (random, cookie) =>
    replaceAt(random, cookie, (letter) =>
      letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
    ),
  padded: (random, cookie) => {
    const segments = cookie.split(".");
    const index = random.below(segments.length);
    segments[index] += "=".repeat(1 + random.below(4));
    return segments.join(".");
  },
  quoted: (random, cookie) =>
    random.pick([
      `"${cookie}"`,
      `'${cookie}'`,
      `"${cookie}`,
      `"\\${cookie}"`,
      encodeURIComponent(cookie).replaceAll(".", "%2E"),
      `"${cookie.replaceAll(".", "\\056")}"`,
    ]),
  "two of them": (random, cookie, other) =>
    random.pick([
      `${cookie}; session=${other}`,
      `x; session=${cookie}`,
      `; session=${cookie}`,
      `${cookie}, session=${other}`,
      `"x; session=${cookie}"`,
    ]),
  "signed with something else": (random, cookie) => {
    const value = cookie.slice(0, cookie.lastIndexOf("."));
    const options: SignerOptions = {
      salt: random.pick(["cookie-session", "flask-session", "itsdangerous", ""]),
      keyDerivation: random.pick(["hmac", "concat", "django-concat", "none"]),
      digest: random.pick(["sha1", "sha256", "sha512"]),
    };
    return new Signer(random.pick(["another secret", "secret"]), options).sign(value);
  },
};

function replaceAt(random: Random, text: string, change: (letter: string) => string): string {
  const at = random.below(text.length);
  return text.slice(0, at) + change(text[at]!) + text.slice(at + 1);
}
