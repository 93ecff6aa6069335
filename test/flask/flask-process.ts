import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { VectorKey } from "../support/vectors/check.ts";
import type { RequestVector } from "../support/vectors/requests.ts";

const APP = fileURLToPath(new URL("app.py", import.meta.url));
/** Debian's interpreter has Debian's Flask, an older one, also where another interpreter comes first on the path. */
const INTERPRETERS = ["python3", "/usr/bin/python3"];

/** An interpreter that has Flask. */
export interface Flask {
  readonly interpreter: string;
  readonly version: string;
  /** There is none: tests are skipped, but where `CI` is set they run, and fail for want of it. */
  readonly isSkipped: boolean;
}

/** Every Flask on this machine, each version once; or one that says it is missing. */
export function findFlasks(least = "0"): Flask[] {
  const found = new Map<string, Flask>();
  for (const interpreter of INTERPRETERS) {
    const command = "import flask, importlib.metadata as m; print(m.version('flask'))";
    const { status, stdout } = spawnSync(interpreter, ["-c", command], { encoding: "utf8" });
    const version = stdout?.trim();
    if (status !== 0 || found.has(version) || !isAtLeast(version, least)) continue;
    found.set(version, { interpreter, version, isSkipped: false });
  }
  if (found.size > 0) return [...found.values()];
  const version = `${least === "0" ? "" : `${least} or later `}(missing: no python3 here can import it)`;
  return [{ interpreter: INTERPRETERS[0]!, version, isSkipped: !process.env["CI"] }];
}

/** Whether a version such as `"3.1.3"` is at least another. */
export function isAtLeast(version: string, least: string): boolean {
  return version.localeCompare(least, "en", { numeric: true }) >= 0;
}

/** A request to the app of `app.py`: what a vector says, and no expectation. */
export type Told = Omit<RequestVector, "expect">;

/** What came of it: what a vector expects, except that results may be other things than notation. */
export interface Answer extends Omit<RequestVector["expect"], "results" | "compare" | "payload"> {
  // oxlint-disable-next-line typescript/no-explicit-any -- the app's own operations give what they like
  readonly results: ReadonlyArray<{ readonly ok?: any; readonly raises?: string }>;
}

export const SECRET: VectorKey = keyOf("the secret of both apps");

export function keyOf(text: string): VectorKey {
  return { utf8: text, hex: Buffer.from(text).toString("hex") };
}

/** A request with everything usual left out. */
export function told(request: Partial<Told>): Told {
  return {
    secret_key: SECRET,
    fallback_keys: [],
    now: 1_700_000_000.25,
    config: {},
    request_cookie_header: null,
    ops: [],
    view: { status: 200, vary: null, raises: false },
    ...request,
  };
}

/** One long-lived Flask app, spoken to line by line. */
export class FlaskProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #errors = "";

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#errors += text));
    child.on("error", (error) => (this.#errors += error.message));
    // Its end is noticed where an answer is missing.
    child.stdin.on("error", () => {});
  }

  static async start({ interpreter, version }: Flask): Promise<FlaskProcess> {
    const started = new FlaskProcess(spawn(interpreter, ["-X", "utf8", APP]));
    const greeting = (await started.#answer()) as { flask: string };
    if (greeting.flask !== version) throw new Error(`Flask ${version} is needed, not ${greeting.flask}.`);
    return started;
  }

  /** Answers in the order of the requests. */
  async ask(requests: readonly Told[]): Promise<Answer[]> {
    this.#child.stdin.write(`${JSON.stringify(requests)}\n`);
    return (await this.#answer()) as Answer[];
  }

  async askOne(request: Partial<Told>): Promise<Answer> {
    const [answer] = await this.ask([told(request)]);
    return answer!;
  }

  stop(): void {
    this.#child.stdin.end();
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`Flask's process ended.\n${this.#errors}`);
    return JSON.parse(value) as unknown;
  }
}
