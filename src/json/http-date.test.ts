import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UnserializableError } from "../errors.ts";
import { formatHttpDate, parseHttpDate } from "./http-date.ts";

const FIRST = Date.parse("0001-01-01T00:00:00Z");
const LAST = Date.parse("9999-12-31T23:59:59.999Z");

describe("formatHttpDate", () => {
  it("cuts fractions downwards, before 1970 as well", () => {
    expect(formatHttpDate(999)).toBe("Thu, 01 Jan 1970 00:00:00 GMT");
    expect(formatHttpDate(-500)).toBe("Wed, 31 Dec 1969 23:59:59 GMT");
  });

  it("reaches from year 1 to year 9999", () => {
    expect(formatHttpDate(FIRST)).toBe("Mon, 01 Jan 0001 00:00:00 GMT");
    expect(formatHttpDate(LAST)).toBe("Fri, 31 Dec 9999 23:59:59 GMT");
  });

  it.each([FIRST - 1, LAST + 1, NaN, Infinity])("refuses %s", (epochMs) => {
    expect(() => formatHttpDate(epochMs)).toThrow(UnserializableError);
  });
});

describe("parseHttpDate", () => {
  it("reads what formatHttpDate writes, from year 100 on", () => {
    const min = Date.parse("0100-01-01T00:00:00Z") / 1000;
    fc.assert(
      fc.property(fc.integer({ min, max: Math.floor(LAST / 1000) }), (seconds) => {
        expect(parseHttpDate(formatHttpDate(seconds * 1000))?.getTime()).toBe(seconds * 1000);
      }),
    );
  });

  it.each([
    ["Sun Nov  6 08:49:37 1994", 784111777],
    ["6 november 1994 08:49:37 pst", 784140577],
    ["Sun,06 Nov 1994 08.49.37 -0000", 784111777],
    ["06 Nov 08:49:37 1994", 784111777],
    ["06 Nov 1994 08:49:37+0530", 784091977],
    ["29 Feb 2000 00:00", 951782400],
    ["1 Jan 2000 00:00:00 nowhere", 946684800],
    ["1 Jan 2000 23:59:59", 946771199],
    ["1 Jan 2000 00:00:00 +2359", 946598460],
    ["1 Jan 0001 00:00:00", 978307200],
    ["Sat,  1  Jan  2000  00:00:00  GMT", 946684800],
    ["Jan 1 2000 00:00:00", 946684800],
    ["1 Jan 2000 00:00:00, GMT", 946684800],
    ["1 Jan 2000, 00:00:00 GMT", 946684800],
    [",1 Jan 2000 00:00:00", 946684800],
    ["1_0 Jan 2000 00:00:00", 947462400],
    ["1 Jan 2000 00:00:00-0100", 946688400],
    ["1 Jan 2000 00:00:00+0100", 946681200],
    ["1 Jan GMT 00:00:00 2000", 946684800],
    ["06-Nov-94 08:49:37 GMT", 784111777],
    ["1 Jan 69 00:00:00", -31536000],
    ["1 Jan 68 00:00:00", 3092601600],
    ["1 Jan 99 00:00:00", 915148800],
    ["1 Jan 100 00:00:00", -59011459200],
    ["1 Jan 00 00:00:00", 946684800],
    ["1 Jan 9999 23:59:59", 253370851199],
  ])("reads %j as Python does", (text, epoch) => {
    expect(parseHttpDate(text)?.getTime()).toBe(epoch * 1000);
  });

  it.each([
    "29 Feb 1999 00:00:00",
    "0 Jan 2000 00:00:00",
    "1 Foo 2000 00:00:00",
    "1 Jan 10000 00:00:00",
    "1 Jan 2000 00:61:00",
    "1 Jan 2000 00:00:00 +9999",
    "1 Jan 2000 0x1:00:00",
    "1 Jan 2000",
    " ",
    "1 Jan 2000 -1:00:00",
    "1 Jan 2000 00:-1:00",
    "1 Jan 2000 00:00:-1",
    "1 Jan 2000 24:00:00",
    "1 Jan 2000 00:60:00",
    "1 Jan 2000 00:00:60",
    "-1 Jan 2000 00:00:00",
    "1 Jan 2000 00:00:00 +2400",
    "1 Jan 2000 00:00:00 -2400",
    "1 Jan -1 00:00:00",
    "1 Jan, 2000 00:00:00 GMT",
    "1_2_3 Jan 2000 00:00:00",
    "1__0 Jan 2000 00:00:00",
    "1 Jan 2000 1",
    "1 Jan 2000 1:2:3:4",
    "1 Jan 00:00:00 x2000",
    "06-Nov-94 08:49:37",
    "- Jan 2000 00:00:00",
    "1 Jan 2000 :",
    "Jan 2000 00:00:00",
    "1 Jan",
    "1",
    "Sunday 1 Jan 2000 00:00:00",
  ])("gives null for %j, as Python does", (text) => {
    expect(parseHttpDate(text)).toBeNull();
  });

  it("never throws", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("Sun,", "06", "Nov", "94", "08:49:37", "GMT", "+0530", "06-Nov-94"),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const date = parseHttpDate(words.join(" "));
        expect(date === null || !Number.isNaN(date.getTime())).toBe(true);
      }),
    );
  });
});
