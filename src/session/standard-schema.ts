/**
 * A schema of any library that follows Standard Schema (https://standardschema.dev): zod, valibot, arktype, … The part of
 * the specification that is used here.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * The data of a session that fits a schema: the type of what goes in, since a schema checks and converts nothing.
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
