import type { Judge } from '../judging/judge.ts'
import { seemsWithin, surelyBeyond, type Tolerance } from '../judging/loss.ts'
import { type Candidate, candidateText, totalPace } from './candidate.ts'
import type { CandidateTiming } from './times.ts'

/** All that the steps of a search share. */
export interface Search extends Tolerance {
  readonly judge: Judge
  readonly timing: CandidateTiming
  /** Whether uncertain answers may fall back to the dense model. */
  readonly cascade: boolean
}

/** A candidate that has answered all choosing examples, or so few that it is known to fail. */
export interface Tested {
  readonly candidate: Candidate
  readonly holds: boolean
}

/** Tests candidates, each once, and keeps the fastest that holds. */
export class Tests {
  readonly #search: Search
  readonly #tested = new Map<string, Tested>()
  #best: Candidate | undefined

  constructor(search: Search) {
    this.#search = search
  }

  get all(): readonly Tested[] {
    return [...this.#tested.values()]
  }

  /** The fastest so far that holds. */
  get best(): Candidate | undefined {
    return this.#best
  }

  /** Whether a candidate holds; one that is known to fail after a few examples does not answer the others. */
  async holds(candidate: Candidate): Promise<boolean> {
    const { judge, maxLoss } = this.#search
    const known = this.#tested.get(nameOf(candidate))
    if (known !== undefined) return known.holds
    const { losses, share } = await judge.firstLosses(candidate)
    const holds = !surelyBeyond(maxLoss, losses, share) && seemsWithin(this.#search, await judge.losses(candidate))
    this.add(candidate, holds)
    return holds
  }

  add(candidate: Candidate, holds: boolean): void {
    const { timing } = this.#search
    this.#tested.set(nameOf(candidate), { candidate, holds })
    if (!holds || totalPace(candidate) >= (this.#best === undefined ? 1 : totalPace(this.#best))) return
    this.#best = candidate
    timing.measurer.found(candidateText(candidate))
  }
}

function nameOf({ variant, shares, fallback }: Candidate): string {
  return `${variant.name} ${shares.join(' ')} ${fallback?.threshold ?? ''}`
}
