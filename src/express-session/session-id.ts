import { unsignExpressValue } from "../accepts/express-value.ts";
import type { Mac } from "../accepts/mac.ts";
import { percentDecode } from "../accepts/plain-json.ts";
import { readCookies } from "../http/cookie.ts";
import { deprecate } from "./deprecate.ts";
import type { SessionRequest } from "./session.ts";

/** The session's id in the cookie of a request, if it is signed with one of our secrets. */
export function readSessionId(req: SessionRequest, name: string, signature: Mac): string | undefined {
  const unsign = (value: string | undefined): string | undefined => {
    const unsigned = unsignExpressValue(value, signature);
    return typeof unsigned === "string" ? undefined : unsigned.text || undefined;
  };
  // Some environments have a list of them.
  const header = [req.headers.cookie ?? []].flat().join("; ");
  const [sent = ""] = readCookies(header, name);
  // What cookie-parser found counts too, for those who change the header afterwards.
  return (
    unsign(percentDecode(unquoted(sent))) ??
    deprecated(req.signedCookies?.[name] || undefined) ??
    deprecated(unsign(text(req.cookies?.[name])))
  );
}

function unquoted(value: string): string {
  return /^".*"$/.test(value) ? value.slice(1, -1) : value;
}

/** cookie-parser turns values with "j:" in front into objects. */
function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function deprecated(id: string | undefined): string | undefined {
  if (id !== undefined) deprecate("cookie should be available in req.headers.cookie");
  return id;
}
