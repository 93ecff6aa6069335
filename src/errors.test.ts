import { describe, expect, it } from "vitest";
import * as errors from "./errors.ts";

const classes = Object.entries(errors).filter(([name]) => name !== "HipflaskError");

describe("an error", () => {
  it.each(classes)("%s has the name of its class, also where a bundler has shortened that", (name, Class) => {
    const o = class extends (Class as new (...args: unknown[]) => Error) {};
    const made = new o("message", "message");
    expect(made.name).toBe(name);
    expect(made).toBeInstanceOf(errors.HipflaskError);
  });
});
