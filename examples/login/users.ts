import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** Stands for your database: names, and what `hashPassword` made of "lovelace" and of "hopper". */
const users = new Map([
  ["ada", "whic4Wl_wXrWyL0GmoSyOQ.VuHw9PpEwi6RKN8V34Yf26u1lZ5Q9opMLwWQKI_YuQA"],
  ["grace", "-29VdCnB6udCH02H_EV1jw.EdsXHjYsdBgycUAv_2tIDbj-1e-QfkDamF6wOwtB75A"],
]);

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);
const keyOf = (password: string, salt: Buffer) =>
  derive(password.normalize(), salt, 32, { N: 16384, r: 8, p: 5 });

/** What to keep of a password: a random salt and the key that scrypt derives with it. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString("base64url")}.${(await keyOf(password, salt)).toString("base64url")}`;
}

/** What is compared for names that nobody has, so that they take as long as others. */
const nobody = await hashPassword(randomBytes(16).toString("hex"));

/** The id of the person whose name and password these are; `undefined` if they are nobody's. */
export async function checkPassword(name: unknown, password: unknown): Promise<string | undefined> {
  if (typeof name !== "string" || typeof password !== "string") return undefined;
  const [salt = "", key = ""] = (users.get(name) ?? nobody).split(".");
  const given = await keyOf(password, Buffer.from(salt, "base64url"));
  return timingSafeEqual(given, Buffer.from(key, "base64url")) ? name : undefined;
}
