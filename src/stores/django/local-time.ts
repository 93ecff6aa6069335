import { ConfigError } from "../../errors.ts";

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * A time zone's offset from UTC at a given time, in milliseconds.
 *
 * @throws ConfigError for a time zone that is not in the tz database
 */
export function offsetOf(timeZone: string, at: number): number {
  if (timeZone === "UTC") return 0;
  const name = formatIn(timeZone)
    .formatToParts(at)
    .find(({ type }) => type === "timeZoneName")?.value;
  const [, sign, hours, minutes, seconds = "0"] =
    /^GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name ?? "") ?? [];
  const ahead = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds);
  return ahead * (sign === "-" ? -1000 : 1000);
}

function formatIn(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format !== undefined) return format;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  } catch (cause) {
    throw new ConfigError(
      `"timeZone" must be a zone as Django's TIME_ZONE names it, such as "Europe/Paris".`,
      { cause },
    );
  }
  formats.set(timeZone, format);
  return format;
}
