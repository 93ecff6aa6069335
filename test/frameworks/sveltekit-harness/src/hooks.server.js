/** The test that serves this app answers for it; every server of the test has a handle of its own. */
export const handle = (input) => globalThis[Symbol.for("hipflask.harness")].handle(input);

/** What fails here fails on purpose. */
export const handleError = () => {};
