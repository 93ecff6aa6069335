/**
 * Calls a function of the application that only reports. Its failure is not the caller's: what it throws or rejects with is
 * logged, after what it was called with, and nothing else changes.
 */
export async function notify<Told extends unknown[]>(
  callback: ((...told: Told) => unknown) | undefined,
  ...told: Told
): Promise<void> {
  try {
    await callback?.(...told);
  } catch (error) {
    // oxlint-disable-next-line no-console -- the function that would be told is the one that failed
    console.error(...new Set([...told, error]));
  }
}
