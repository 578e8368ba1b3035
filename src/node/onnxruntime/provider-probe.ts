import type { ProviderName } from '../../running/session.js';

/** What came of trying a provider. */
export interface ProviderProbe {
  readonly provider: ProviderName;
  readonly works: boolean;
  /** Why it does not; the first thing that is missing. */
  readonly reason?: string | undefined;
  /** What would mend it. */
  readonly hint?: string | undefined;
  readonly milliseconds: number;
}
