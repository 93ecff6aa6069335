import { checkDjangoVectors } from "../django-vectors.ts";
import { checkPeerVectors } from "../peer-vectors.ts";
import type { VectorReport } from "../vector-report.ts";
import { judgeBlocks } from "./blocks.ts";
import { judge, type Raw, type Verdict } from "./check.ts";
import { judgeCookies } from "./cookies.ts";
import { judgeFlows } from "./flows.ts";
import { judgeRequests } from "./requests.ts";

/** Runs any file of vectors: of the form of `flask.json`, `django.json` or `peers.json`. */
export function runVectors(file: unknown): VectorReport {
  if (typeof file !== "object" || file === null)
    return { passed: 0, failures: ["The file holds no object."] };
  if ("session_data" in file) return checkDjangoVectors(file);
  if ("vectors" in file) return checkPeerVectors(file);
  const verdicts = judgeFlask(file as Raw);
  const failures = verdicts.flatMap(({ name, problems: run }) => {
    const problems = run();
    return problems.length === 0 ? [] : [name, ...problems].join("\n").replaceAll("\n", "\n  ");
  });
  return { passed: verdicts.length - failures.length, failures };
}

const SECTIONS: Readonly<Record<string, (section: never) => Verdict[]>> = {
  cookies: judgeCookies,
  requests: judgeRequests,
  flows: judgeFlows,
  blocks: judgeBlocks,
};

/** Where a file comes from and how it is to be read. */
const INFORMATION = new Set(["made_with", "profile", "seed", "doc"]);

/**
 * The verdicts on everything in a file of the form of `flask.json`, one per vector. What the runner does not know is a
 * failure, and so is a file or a section that holds no vector: silence must not pass for success.
 */
export function judgeFlask(file: Raw): Verdict[] {
  const sections = Object.entries(file).filter(([name]) => !INFORMATION.has(name));
  const verdicts = sections.flatMap(([name, section]) => judgeSection(name, section));
  return verdicts.length === 0 ? [failure("file", "It holds no vectors.")] : verdicts;
}

function judgeSection(name: string, section: unknown): Verdict[] {
  if (!Object.hasOwn(SECTIONS, name)) return [failure(name, "The runner knows no such section.")];
  try {
    const verdicts = SECTIONS[name]!(section as never);
    return verdicts.length === 0 ? [failure(name, "It holds no vectors.")] : verdicts;
  } catch (error) {
    return [failure(name, `It cannot be read: ${String(error)}`)];
  }
}

function failure(name: string, problem: string): Verdict {
  return judge(name, (check) => check.fail(problem));
}
