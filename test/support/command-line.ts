import { main } from "../../src/cli/main.ts";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Around {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default the folder of this process. */
  readonly cwd?: string;
  /** What the person types, line by line; without, nobody is there. */
  readonly answers?: readonly string[];
}

/** Runs a command line of `hipflask` in this process. */
export async function commandLine(args: readonly string[], around: Around = {}): Promise<Outcome> {
  const { stdin = "", env = {}, cwd = process.cwd(), answers } = around;
  let [out, err] = ["", ""];
  const lines = answers?.values();
  const ask = async (question: string) => {
    out += question;
    const { value, done } = lines!.next();
    if (done) throw new Error("one question too many");
    return value;
  };
  const code = await main([...args], {
    cwd,
    env,
    read: async () => stdin,
    ask: lines === undefined ? undefined : ask,
    print: (line) => (out += `${line}\n`),
    complain: (line) => (err += `${line}\n`),
  });
  return { code, out, err };
}
