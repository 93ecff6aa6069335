import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** Replace this by your database: names, and the hashes of "lovelace" and "hopper" by `hashPassword`. */
const users = new Map([
  ["ada", "whic4Wl_wXrWyL0GmoSyOQ.VuHw9PpEwi6RKN8V34Yf26u1lZ5Q9opMLwWQKI_YuQA"],
  ["grace", "-29VdCnB6udCH02H_EV1jw.EdsXHjYsdBgycUAv_2tIDbj-1e-QfkDamF6wOwtB75A"],
]);

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);
const keyOf = (password: string, salt: Buffer) =>
  derive(password.normalize(), salt, 32, { N: 16384, r: 8, p: 5 });

/** The hash of a password to store: a random salt and the key derived by scrypt. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString("base64url")}.${(await keyOf(password, salt)).toString("base64url")}`;
}

/** Compared for unknown names, so that they take the same time. */
const nobody = await hashPassword(randomBytes(16).toString("hex"));

/** The id of the user with this name and password; `undefined` if there is none. */
export async function checkPassword(name: unknown, password: unknown): Promise<string | undefined> {
  if (typeof name !== "string" || typeof password !== "string") return undefined;
  const [salt = "", key = ""] = (users.get(name) ?? nobody).split(".");
  const given = await keyOf(password, Buffer.from(salt, "base64url"));
  return timingSafeEqual(given, Buffer.from(key, "base64url")) ? name : undefined;
}
