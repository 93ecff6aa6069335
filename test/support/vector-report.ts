/** What became of a file of vectors. */
export interface VectorReport {
  /** Checks that held. */
  readonly passed: number;
  /** One line for each check that did not. */
  readonly failures: readonly string[];
}

/** Collects checks; whatever throws is a failure and not the end. */
export class VectorChecks implements VectorReport {
  passed = 0;
  readonly failures: string[] = [];

  check(name: string, holds: () => true | string): void {
    let outcome: true | string;
    try {
      outcome = holds();
    } catch (error) {
      outcome = `threw ${String(error)}`;
    }
    if (outcome === true) this.passed += 1;
    else this.failures.push(`${name}: ${outcome}`);
  }
}
