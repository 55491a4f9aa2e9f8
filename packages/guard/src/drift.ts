import { Ranks } from './ranks.ts'

/** A density on 0…1: what is bet on the next p. Its mean over uniform p is 1, so that without drift nothing is won. */
type Bet = (p: number) => number

/** Values become smaller (or larger): few by much, or many by little. */
const shifts: readonly Bet[] = [0.2, 0.5, 0.8].flatMap((power): Bet[] => [
  (p) => power * p ** (power - 1),
  (p) => power * (1 - p) ** (power - 1),
])

/** Values spread, or come closer together. */
const spreads: readonly Bet[] = [(p) => 0.25 * (p ** -0.5 + (1 - p) ** -0.5), (p) => 6 * p * (1 - p)]

const bets: readonly Bet[] = [...shifts, ...spreads]

/** Keeps one p at the very edge, where a bet wins without limit, finite. */
const EDGE = 1e-9

/**
 * Evidence that a stream is no longer drawn as the values it is compared with, since whatever moment: the Shiryaev–Roberts
 * statistic of conformal bets,
 *
 *   R ← mean over bets b of R_b,     R_b ← b(p)·(R_b + 1)
 *
 * (Vovk, Nouretdinov and Gammerman 2003; Vovk et al., Retrain or not retrain: conformal test martingales for change-point
 * detection, arXiv:2102.10439; Shin, Ramdas and Rinaldo, E-detectors, arXiv:2203.03532). Without drift R − t is a
 * martingale, so by Doob's inequality R reaches c within t inputs with probability at most t / c.
 */
export class Drift {
  readonly #ranks: Ranks
  readonly #evidence: Float64Array = new Float64Array(bets.length)

  constructor(baseline: readonly number[], random: () => number) {
    this.#ranks = new Ranks(baseline, random)
  }

  /** R after the next value. */
  add(value: number): number {
    const p = Math.min(1 - EDGE, Math.max(EDGE, this.#ranks.add(value)))
    let total = 0
    for (const [i, bet] of bets.entries()) {
      const evidence = bet(p) * ((this.#evidence[i] as number) + 1)
      this.#evidence[i] = evidence
      total += evidence
    }
    return total / bets.length
  }

  /** Forgets the stream, but not what it is compared with. */
  restart(): void {
    this.#evidence.fill(0)
    this.#ranks.restart()
  }
}
