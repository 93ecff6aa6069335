import { parseArgs } from "node:util";
import { didYouMean } from "../did-you-mean.ts";

/** Invalid usage: exit code 2, and the correct usage. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

type Options = Readonly<Record<string, { readonly type: "string" | "boolean" }>>;

/** The values of the options. */
type Values<Given extends Options> = {
  readonly [Name in keyof Given]?: Given[Name]["type"] extends "boolean" ? boolean : string;
};

/**
 * Parses the options and arguments of a command line.
 *
 * @param most maximum number of arguments
 * @throws UsageError
 */
export function parseCommand<const Given extends Options>(
  args: string[],
  options: Given,
  most: number,
): { values: Values<Given>; words: string[] } {
  const { values, positionals } = parsed(args, options);
  if (positionals.length > most) throw new UsageError("There are too many arguments.");
  return { values: values as Values<Given>, words: positionals };
}

function parsed(args: string[], options: Options) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Its message repeats the arguments, which may be secrets.
    throw new UsageError(faultIn(args, options));
  }
}

function faultIn(args: string[], options: Options): string {
  const { tokens } = parseArgs({ args, options, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, value, inlineValue } = token;
    if (!Object.hasOwn(options, name))
      return `This command does not have that option.${didYouMean(name, Object.keys(options)).replace('"', '"--')}`;
    if (options[name]!.type === "boolean" && value !== undefined) return `--${name} takes no value.`;
    if (options[name]!.type === "string" && (value === undefined || (!inlineValue && value.startsWith("-"))))
      return `--${name} needs a value.`;
  }
  return "The options are invalid.";
}
