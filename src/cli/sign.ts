import { flaskCodec } from "../codecs/flask.ts";
import { ConfigError } from "../errors.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { parseCommand } from "./arguments.ts";
import { secretKeyOf, SIGNING, signingOf } from "./secret.ts";
import type { Terminal } from "./terminal.ts";

/** `sign <json>`: the cookie that Flask would set for this session data. Flask's tags may be in it. */
export async function sign(args: string[], terminal: Terminal): Promise<number> {
  const { values, words } = parseCommand(args, SIGNING, 1);
  const secretKey = secretKeyOf(terminal);
  if (secretKey === undefined) throw new ConfigError("Set SECRET_KEY in the environment to sign with.");
  const text = !words[0] || words[0] === "-" ? await terminal.read() : words[0];
  const json = new TaggedJSONSerializer();
  const fields = json.loadsFields(json.dumps(json.loads(text.trim()))); // spaced and sorted as Flask does
  const context = { now: Date.now(), maxAge: 0, cookieName: "session" };
  terminal.print(flaskCodec({ secretKey, ...signingOf(values) }).encode(fields, context));
  return 0;
}
