import { ConfigError } from "../errors.ts";
import { optionsFromFlask } from "../manager/flask-options.ts";
import type { SessionOptions } from "../manager/options.ts";
import { parseCommand } from "./arguments.ts";
import { examine } from "./examine.ts";
import type { Terminal } from "./terminal.ts";

/** As `app.config.from_prefixed_env()` of Flask reads them. */
const PREFIX = "FLASK_";
const SETTING =
  /^(SECRET_KEY|SECRET_KEY_FALLBACKS|SESSION_(COOKIE|REFRESH)_\w+|PERMANENT_SESSION_LIFETIME|MAX_COOKIE_SIZE)$/;

/** `doctor`: says what is soft or broken in a configuration. Exit code 1 if something is broken, or soft with `--strict`. */
export async function doctor(args: string[], terminal: Terminal): Promise<number> {
  const { values, words } = parseCommand(args, { strict: { type: "boolean" } }, 1);
  const options = words[0] === "-" ? fromJson(await terminal.read()) : fromEnvironment(terminal.env);
  const findings = examine(options);
  for (const { level, text } of findings) terminal.print(`${level.padEnd(7)} ${text}`);
  const count = (wanted: string) => findings.filter(({ level }) => level === wanted).length;
  terminal.print(`${count("broken")} broken, ${count("soft")} soft`);
  return count("broken") > 0 || (values.strict === true && count("soft") > 0) ? 1 : 0;
}

/** Options by our names or by Flask's. What JSON cannot hold (a store, a codec of one's own, functions) is left out. */
function fromJson(text: string): SessionOptions {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    // The parser's own message repeats the text, and a secret may be in it.
    throw new ConfigError("What came on standard input is not JSON.");
  }
  if (typeof config !== "object" || config === null || Array.isArray(config))
    throw new ConfigError("Send the options as one JSON object.");
  const options = config as Record<string, unknown>;
  const isFlask = Object.keys(options).some((name) => /^[A-Z_]+$/.test(name));
  return isFlask ? optionsFromFlask(options) : (options as SessionOptions);
}

function fromEnvironment(env: Terminal["env"]): SessionOptions {
  const config: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(env)) {
    const setting = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
    if (text !== undefined && SETTING.test(setting)) config[setting] = valueOf(setting, text);
  }
  return optionsFromFlask(config);
}

/** JSON where it is JSON, text where not; a secret is always text. */
function valueOf(setting: string, text: string): unknown {
  if (setting === "SECRET_KEY") return text;
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
