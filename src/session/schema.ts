import { isPromise } from "node:util/types";
import { ConfigError, SchemaError } from "../errors.ts";
import { FLASHES } from "./flash.ts";
import type { Fields } from "../json/fields.ts";
import type { TaggedJSONSerializer } from "../json/tagged-json.ts";

/**
 * A schema of any library that implements Standard Schema (https://standardschema.dev): zod, valibot, arktype, … Only the
 * part of the specification that is used.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The result of validation. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One validation error. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * The session data of a schema: its input type, since a schema only checks and never converts.
 *
 * @example
 * ```ts
 * import { session, type InferSessionData } from "hipflask";
 * import { z } from "zod";
 *
 * const schema = z.object({ username: z.string() }).partial();
 * declare module "hipflask" {
 *   interface SessionData extends InferSessionData<typeof schema> {}
 * }
 * export const greet = () => `hello, ${session.username ?? "stranger"}`;
 * ```
 */
export type InferSessionData<Schema extends StandardSchemaV1> = NonNullable<
  Schema["~standard"]["types"]
>["input"];

/** Returns the path of the first mismatch; `undefined` if there is none. */
export type SchemaMismatch = (fields: Fields) => string | undefined;

/** The library's own keys in a session, which are not part of the app's schema. */
const OWN_KEYS: ReadonlySet<string> = new Set(["_permanent", FLASHES]);

/**
 * Creates the check for a schema. A session without data of the app fits every schema.
 *
 * @throws ConfigError unless it is a schema; the check throws one if the schema is asynchronous
 */
export function schemaMismatchOf(schema: StandardSchemaV1, json: TaggedJSONSerializer): SchemaMismatch {
  const standard = (schema as Partial<StandardSchemaV1>)["~standard"];
  if (standard?.version !== 1 || typeof standard.validate !== "function") {
    throw new ConfigError(
      '"schema" must be a schema of a Standard Schema library: zod 3.24, valibot 1, arktype 2 or later.',
    );
  }
  return (fields) => {
    const entries = [...fields].filter(([key]) => !OWN_KEYS.has(key));
    if (entries.length === 0) return undefined;
    const result = validate(standard, entries, json);
    return result.issues === undefined ? undefined : pathOf(result.issues[0]);
  };
}

/** @throws SchemaError for fields that do not fit, since the next request would refuse them */
export function assertFits(schemaMismatch: SchemaMismatch, fields: Fields): void {
  const path = schemaMismatch(fields);
  if (path !== undefined) throw new SchemaError(path);
}

function validate(
  standard: StandardSchemaV1["~standard"],
  entries: readonly (readonly [key: string, text: string])[],
  json: TaggedJSONSerializer,
): SchemaResult<unknown> {
  let result: ReturnType<typeof standard.validate>;
  try {
    // Copies for the check: a schema that changes them does not change the session.
    result = standard.validate(Object.fromEntries(entries.map(([key, text]) => [key, json.loads(text)])));
  } catch {
    // A schema that throws rejects the data.
    return { issues: [] };
  }
  if (!isPromise(result)) return result;
  result.catch(() => {});
  throw new ConfigError(
    '"schema" returned a promise, but sessions are opened synchronously: remove its asynchronous checks, and those that throw.',
  );
}

function pathOf(issue: SchemaIssue | undefined): string {
  return (issue?.path ?? [])
    .map((segment) => String(typeof segment === "object" ? segment.key : segment))
    .join(".");
}
