const NAMESPACE = "express-session";
const told = new Set<string>();

/**
 * Reports deprecated uses once, like express-session: to listeners of "deprecation" on the process, otherwise as a warning;
 * not with `NO_DEPRECATION=express-session`.
 */
export function deprecate(message: string): void {
  if (isSilenced(process.env["NO_DEPRECATION"])) return;
  if (process.listenerCount("deprecation") > 0) {
    const deprecation = Object.assign(new Error(message), { name: "DeprecationError", namespace: NAMESPACE });
    (process as NodeJS.EventEmitter).emit("deprecation", deprecation);
    return;
  }
  if (told.has(message)) return;
  told.add(message);
  process.emitWarning(`${NAMESPACE} deprecated ${message}`, "DeprecationWarning");
}

function isSilenced(list = ""): boolean {
  return list.split(/[ ,]+/).some((name) => name === "*" || name.toLowerCase() === NAMESPACE);
}
