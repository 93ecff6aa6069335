/** Imported names and their module. */
export type Import = readonly [names: string, from: string];

/** An import line. Composed here, since tools would treat a literal one as an import of this package. */
export function importLine(names: string, from: string): string {
  return ["import", "{", names, "}", "from", `"${from}";`].join(" ");
}

/** Where to add lines, and the lines. */
export type Step = readonly [where: string, lines: readonly string[]];

/** A framework that `init` supports. */
export interface Framework {
  /** The dependency that identifies it. */
  readonly dependency: string;
  /** The file to write, without extension; in `src/` if the project has that folder. */
  readonly file: string;
  /** The folder, if it does not depend on the project. */
  readonly isFixed?: boolean;
  /** Its projects are bundled or compiled, so the code uses `import` with any package.json. */
  readonly isCompiled?: boolean;
  /** The export in the file, before the call of `sessions`. */
  readonly declaration: string;
  /** The subpath of hipflask. */
  readonly door: string;
  /** Further imports of the file. */
  readonly imports?: readonly Import[];
  /** How its code reads an environment variable. */
  readonly env: (name: string) => string;
  /** Expression that is true if the app uses HTTPS. */
  readonly isSecure: string;
  /** The remaining steps. @param module specifier of the written file */
  readonly left: (module: string, isTyped: boolean) => readonly Step[];
}

const ON_NODE = {
  file: "sessions",
  declaration: "export const withSessions",
  env: (name: string) => `process.env.${name}`,
  isSecure: 'process.env.NODE_ENV === "production"',
} as const;

const IN_HANDLERS: readonly string[] = [importLine("session", "hipflask"), 'session.username = "ada";'];

const inApp =
  (call: string) =>
  (module: string, isTyped: boolean): readonly Step[] => [
    ["the file that creates the app, before its routes", [importLine("withSessions", module), call]],
    ["any handler", IN_HANDLERS],
    [
      "the command that starts the app",
      [isTyped ? "npx tsx --env-file=.env app.ts" : "node --env-file=.env app.js"],
    ],
  ];

/** The supported frameworks; the first one with an installed dependency is the project's. */
export const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  next: {
    ...ON_NODE,
    dependency: "next",
    file: "lib/session",
    isCompiled: true,
    declaration: "export const { session, withSession, proxy }",
    door: "hipflask/next",
    left: (module, isTyped) => [
      [
        "a server component, inside <Suspense>",
        [importLine("session", module), "const { username } = await session();"],
      ],
      [
        "an action or a route handler",
        [
          importLine("session, withSession", module),
          `export const login = withSession(async (form${isTyped ? ": FormData" : ""}) => {`,
          '  (await session()).username = String(form.get("username"));',
          "});",
        ],
      ],
    ],
  },
  sveltekit: {
    dependency: "@sveltejs/kit",
    file: "src/hooks.server",
    isFixed: true,
    isCompiled: true,
    declaration: "export const handle",
    door: "hipflask/sveltekit",
    imports: [
      ["dev", "$app/environment"],
      ["env", "$env/dynamic/private"],
    ],
    env: (name) => `env.${name}`,
    isSecure: "!dev",
    left: () => [["any load function, action or endpoint", IN_HANDLERS]],
  },
  astro: {
    dependency: "astro",
    file: "src/middleware",
    isFixed: true,
    isCompiled: true,
    declaration: "export const onRequest",
    door: "hipflask/astro",
    imports: [["getSecret", "astro:env/server"]],
    env: (name) => `getSecret("${name}")`,
    isSecure: "import.meta.env.PROD",
    left: () => [
      ["astro.config.mjs, after npx astro add node", ['output: "server",']],
      ["any page, action or endpoint", IN_HANDLERS],
    ],
  },
  "react-router": {
    ...ON_NODE,
    dependency: "@react-router/dev",
    file: "app/sessions.server",
    isFixed: true,
    isCompiled: true,
    door: "hipflask/react-router",
    left: () => [
      [
        "app/root.tsx",
        [importLine("withSessions", "./sessions.server"), "export const middleware = [withSessions];"],
      ],
      ["react-router.config.ts", ["future: { v8_middleware: true },"]],
      ["any loader or action", IN_HANDLERS],
    ],
  },
  nestjs: {
    ...ON_NODE,
    dependency: "@nestjs/core",
    isCompiled: true,
    door: "hipflask/express",
    left: (module) => [
      [
        "main.ts, after NestFactory.create",
        [importLine("withSessions", module.replace(/\.js$/, "")), "app.use(withSessions);"],
      ],
      ["any controller or service", IN_HANDLERS],
      ["the command that starts the app", ["nest start --watch --env-file .env"]],
    ],
  },
  fastify: {
    ...ON_NODE,
    dependency: "fastify",
    door: "hipflask/fastify",
    left: inApp("app.register(withSessions);"),
  },
  hono: {
    ...ON_NODE,
    dependency: "hono",
    door: "hipflask/hono",
    left: inApp("app.use(withSessions);"),
  },
  koa: {
    ...ON_NODE,
    dependency: "koa",
    door: "hipflask/koa",
    left: inApp("app.use(withSessions);"),
  },
  express: {
    ...ON_NODE,
    dependency: "express",
    door: "hipflask/express",
    left: inApp("app.use(withSessions);"),
  },
};
