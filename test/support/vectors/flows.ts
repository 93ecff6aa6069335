import { checkFields, judge, type Raw, type Verdict } from "./check.ts";
import { checkRequest, type RequestVector } from "./requests.ts";

type Step = Omit<RequestVector, "secret_key" | "fallback_keys" | "config" | "view">;

interface FlowVector extends Pick<RequestVector, "secret_key" | "config"> {
  readonly steps: readonly Step[];
}

const VIEW = { status: 200, vary: null, raises: false };

/** Runs every flow, a browser's requests one after the other. */
export function judgeFlows(raws: readonly Raw[]): Verdict[] {
  return raws.map((raw) =>
    judge(`flows ${String(raw["name"])}`, (check) => {
      checkFields(raw, ["name", "secret_key", "config", "steps"]);
      const { secret_key, config, steps } = raw as unknown as FlowVector;
      if (steps.length === 0) check.fail("A flow without steps proves nothing.");
      /** Cookies as Flask set them, and as we did in their place: zlib may have made something else of them. */
      const ours = new Map<string, string>();
      steps.forEach((step, index) => {
        checkFields(step as unknown as Raw, ["now", "request_cookie_header", "ops", "expect"]);
        const header = step.request_cookie_header;
        const before = check.problems.length;
        const lines = checkRequest(check, {
          ...step,
          secret_key,
          config,
          fallback_keys: [],
          view: VIEW,
          request_cookie_header: header === null ? null : (ours.get(header) ?? header),
        });
        if (check.problems.length > before) check.fail(`(that was step ${index + 1})`);
        const theirs = step.expect.set_cookie.at(-1);
        const line = lines.at(-1);
        if (theirs !== undefined && line !== undefined) ours.set(pairOf(theirs), pairOf(line));
      });
    }),
  );
}

/** What the browser sends back of a Set-Cookie line. */
function pairOf(line: string): string {
  return line.split(";", 1)[0]!;
}
