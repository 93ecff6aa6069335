import { flaskCodec } from "../codecs/flask.ts";
import { ConfigError } from "../errors.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { parseCommand } from "./arguments.ts";
import { secretKeyOf, SIGNING, signingOf } from "./secret.ts";
import type { Command } from "./command.ts";
import type { Terminal } from "./terminal.ts";

export const sign: Command = {
  summary: "signs session data as Flask does",
  help: `Usage: hipflask sign [JSON]

Signs session data with SECRET_KEY, as Flask does. Flask's tags may be in it: {" t": [1, 2]} is a tuple. Without JSON, or with
"-", it is read from standard input.

Options:
  --salt TEXT       default "cookie-session"
  --digest NAME     sha1 (default), sha256, sha384, sha512

Examples:
  SECRET_KEY=… hipflask sign '{"username": "ada"}'
  curl --cookie "session=$(hipflask sign '{"username": "ada"}')" http://localhost:3000/`,
  run,
};

async function run(args: string[], terminal: Terminal): Promise<number> {
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
