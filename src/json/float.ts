/** Python's `repr` of a float: JavaScript's shortest digits in Python's layout (flask-session §2.3). */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  const size = Math.abs(value);
  if (size === Infinity) return value > 0 ? "Infinity" : "-Infinity";
  if (size === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  if (size >= 1e-4 && size < 1e16) {
    const text = String(value);
    return text.includes(".") ? text : `${text}.0`;
  }
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/** Whether a plain number stands for a Python int. All other numbers can only be floats. */
export function isInt(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/** The JSON token of a plain number: an int where it can be one exactly, a float otherwise. */
export function formatNumber(value: number): string {
  return isInt(value) ? String(value) : formatFloat(value);
}
