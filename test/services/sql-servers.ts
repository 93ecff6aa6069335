import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { Client } from "pg";
import { untilTrue } from "./redis-server.ts";
import { freePort } from "../support/free-port.ts";

/** A database server of the test's own, on a free port and in a folder of its own. What it acknowledged survives `kill`. */
export interface SqlServer {
  readonly url: string;
  /** Starts it again, and waits until it answers. */
  start(): Promise<void>;
  /** Ends it at once, with whatever it was doing. */
  kill(): Promise<void>;
  /** Runs a statement as its administrator. */
  run(sql: string): Promise<unknown>;
  remove(): Promise<void>;
}

const POSTGRES_BIN = existsSync("/usr/lib/postgresql")
  ? readdirSync("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`)
  : [];
const PATHS = [...(process.env.PATH ?? "").split(":"), ...POSTGRES_BIN, "/usr/sbin", "/usr/local/sbin"];

function programOf(name: string): string | undefined {
  return PATHS.map((path) => join(path, name)).find((file) => existsSync(file));
}

/** Whether this machine can start them. */
export const hasPostgresServer = Boolean(programOf("initdb") && programOf("postgres"));
export const hasMariadbServer = Boolean(programOf("mariadb-install-db") && programOf("mariadbd"));

/** Servers refuse to run as root, so root runs them as the user that their package made for them. */
function ownerOf(user: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string) => Number(execFileSync("id", [flag, user], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

interface Recipe {
  readonly user: string;
  install(folder: string): [program: string, args: string[]];
  serve(folder: string, port: number): [program: string, args: string[]];
  /** Ends without cleaning up, its children included. */
  readonly signal: NodeJS.Signals;
  readonly url: (port: number) => string;
  readonly query: (url: string, sql: string) => Promise<unknown>;
}

async function sqlServer(recipe: Recipe): Promise<SqlServer> {
  const folder = mkdtempSync(join(tmpdir(), "hipflask-sql-"));
  const owner = ownerOf(recipe.user);
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid!);
  const options = { ...owner, cwd: folder, env: { ...process.env, LC_ALL: "C" }, stdio: "ignore" as const };
  const [installer, installing] = recipe.install(folder);
  execFileSync(programOf(installer)!, installing, options);
  const port = await freePort();
  const url = recipe.url(port);
  let running: ChildProcess | undefined;
  const run = (sql: string) => recipe.query(url, sql);
  const kill = async () => {
    const ended = running && running.exitCode === null ? once(running, "exit") : undefined;
    running?.kill(recipe.signal);
    await ended;
    running = undefined;
  };
  const start = async () => {
    const [server, args] = recipe.serve(folder, port);
    running = spawn(programOf(server)!, args, options);
    await untilTrue(async () => {
      try {
        await run("SELECT 1");
        return true;
      } catch {
        return false;
      }
    });
  };
  await start();
  return {
    url,
    start,
    kill,
    run,
    remove: async () => (await kill(), rmSync(folder, { recursive: true, force: true })),
  };
}

export function postgresServer(): Promise<SqlServer> {
  return sqlServer({
    user: "postgres",
    install: (folder) => ["initdb", ["-D", join(folder, "data"), "-U", "app", "-A", "trust", "--no-sync"]],
    serve: (folder, port) => [
      "postgres",
      ["-D", join(folder, "data"), "-p", String(port), "-h", "127.0.0.1", "-k", folder],
    ],
    signal: "SIGQUIT",
    url: (port) => `postgres://app@127.0.0.1:${port}/postgres`,
    async query(connectionString, sql) {
      const client = new Client({ connectionString });
      client.on("error", () => {});
      await client.connect();
      return client.query(sql).finally(() => client.end());
    },
  });
}

export function mariadbServer(): Promise<SqlServer> {
  const data = (folder: string) => ["--no-defaults", `--datadir=${join(folder, "data")}`];
  return sqlServer({
    user: "mysql",
    install: (folder) => [
      "mariadb-install-db",
      [...data(folder), "--auth-root-authentication-method=normal", "--skip-test-db"],
    ],
    serve: (folder, port) => [
      "mariadbd",
      [
        ...data(folder),
        `--port=${port}`,
        "--bind-address=127.0.0.1",
        `--socket=${join(folder, "socket")}`,
        `--pid-file=${join(folder, "pid")}`,
        "--innodb-buffer-pool-size=16M",
      ],
    ],
    signal: "SIGKILL",
    url: (port) => `mysql://root@127.0.0.1:${port}/mysql`,
    async query(uri, sql) {
      const connection = await createConnection(uri);
      return connection.query(sql).finally(() => connection.end());
    },
  });
}
