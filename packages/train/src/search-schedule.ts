import { type Schedule, TpError } from '@tp/core'
import { scheduleOfShares } from '@tp/core/host'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'

/** The score of a schedule. */
export interface Scored {
  /** Higher is better. */
  readonly accuracy: number
  /** Share of the dense model's FLOPs, 0 … 1. */
  readonly flops: number
}

export interface ScheduleCandidate extends Scored {
  readonly schedule: Schedule
}

export interface SearchOptions {
  /** Layers at which tokens are to be pruned. */
  readonly layers: readonly number[]
  /** The score of a schedule on examples that no later report uses (see `scheduleScorer`). */
  readonly evaluate: (schedule: Schedule) => Scored | Promise<Scored>
  /** Share of the dense FLOPs that the best may have at most; default 1. */
  readonly targetFlops?: number
  /** The least share of all tokens kept after the last layer (default 0.05). */
  readonly lowest?: number
  /** Rounds (default 10), and schedules of each kind in a round (default 10). */
  readonly generations?: number
  readonly children?: number
  /** How likely the share of a layer changes in a mutation (default 0.5). */
  readonly mutationRate?: number
  readonly seed?: number
  readonly signal?: AbortSignalLike
  readonly onProgress?: (progress: {
    readonly generation: number
    readonly front: readonly ScheduleCandidate[]
  }) => void
}

export interface SearchResult {
  /** Schedules that no other one beats in both accuracy and FLOPs, by FLOPs upwards. */
  readonly front: readonly ScheduleCandidate[]
  /** The most accurate of them at or under the target; undefined where none is. */
  readonly best: ScheduleCandidate | undefined
}

/** By layer: the share of all tokens kept up to there; it never rises. */
type LayerShares = readonly number[]

/**
 * Searches for the share of its tokens that each layer keeps: from equal shares on, schedules of the front are varied within
 * their neighbors' shares (mutation) and averaged in pairs (crossover), round by round (Length-Adaptive Transformer, Kim &
 * Cho, arXiv:2010.07003, section 3.3; there 30 rounds of 30 of each). The same seed asks for the same schedules.
 * @throws TpError TP_OPTION for numbers out of range, TP_ABORTED
 */
export async function searchSchedule(options: SearchOptions): Promise<SearchResult> {
  const { generations = 10, children = 10, mutationRate = 0.5, seed = 0, lowest = 0.05, targetFlops = 1 } = options
  checkNumbers({ generations, children, mutationRate, lowest, targetFlops, layers: options.layers.length })
  const layers = [...options.layers].sort((a, b) => a - b)
  const random = randomNumbers(seed)
  const known = new Set<string>()
  let front: readonly Member[] = []
  const consider = async (shares: LayerShares): Promise<void> => {
    const key = shares.join()
    if (known.has(key)) return
    known.add(key)
    throwIfAborted(options.signal, 'train')
    const schedule = scheduleOfShares(layers, shares)
    front = withMember(front, { shares, schedule, ...(await options.evaluate(schedule)) })
  }
  const tell = (generation: number): void => options.onProgress?.({ generation, front: front.map(candidateOf) })

  for (const ratio of STARTS) await consider(equalRatios(layers.length, ratio, lowest))
  const affordable = (): readonly Member[] => front.filter(({ flops }) => flops <= targetFlops)
  for (let ratio = LAST_START; affordable().length === 0 && ratio > lowest; ) {
    ratio = Math.max(lowest, ratio - STEP)
    await consider(equalRatios(layers.length, ratio, lowest))
  }
  tell(0)
  for (let generation = 1; generation <= generations; generation++) {
    const parents = front
    const anyone = (): LayerShares => (parents[Math.floor(random() * parents.length)] as Member).shares
    for (let i = 0; i < children; i++) await consider(mutated(anyone(), { mutationRate, lowest, random }))
    for (let i = 0; i < children; i++) await consider(crossed(anyone(), anyone()))
    tell(generation)
  }
  const best = affordable().at(-1)
  return { front: front.map(candidateOf), best: best && candidateOf(best) }
}

/** Ratios of the first schedules: the same at every layer. From the last one on in steps, until the FLOPs are few enough. */
const LAST_START = 0.3
const STARTS = [1, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, LAST_START]
const STEP = 0.05

/** Schedules that a search considers, at most, where the first ones suffice. */
export function mostSchedules({
  generations,
  children,
}: {
  readonly generations: number
  readonly children: number
}): number {
  return STARTS.length + 2 * generations * children
}

interface Member extends ScheduleCandidate {
  readonly shares: LayerShares
}

function candidateOf({ schedule, accuracy, flops }: Member): ScheduleCandidate {
  return { schedule, accuracy, flops }
}

/** The front with one more, if nothing in it is as good in both; without those that it beats. By FLOPs, so by accuracy, too. */
function withMember(front: readonly Member[], member: Member): readonly Member[] {
  const beats = (a: Scored, b: Scored): boolean => a.accuracy >= b.accuracy && a.flops <= b.flops
  if (front.some((other) => beats(other, member))) return front
  return [...front.filter((other) => !beats(member, other)), member].sort((a, b) => a.flops - b.flops)
}

function equalRatios(count: number, ratio: number, lowest: number): LayerShares {
  return Array.from({ length: count }, (_, i) => rounded(Math.max(lowest, ratio ** (i + 1))))
}

function mutated(
  shares: LayerShares,
  { mutationRate, lowest, random }: { mutationRate: number; lowest: number; random: () => number },
): LayerShares {
  const child: number[] = []
  shares.forEach((share, i) => {
    const [high, low] = [child[i - 1] ?? 1, Math.min(child[i - 1] ?? 1, shares[i + 1] ?? lowest)]
    const now = random() < mutationRate ? low + (high - low) * random() : Math.min(share, high)
    child.push(rounded(now))
  })
  return child
}

function crossed(a: LayerShares, b: LayerShares): LayerShares {
  return a.map((share, i) => rounded((share + (b[i] as number)) / 2))
}

/** In steps of a hundredth, so that what differs by less is not tried twice. */
function rounded(share: number): number {
  return Math.max(1, Math.round(share * 100)) / 100
}

function checkNumbers(
  numbers: Record<'generations' | 'children' | 'mutationRate' | 'lowest' | 'targetFlops' | 'layers', number>,
) {
  const whole = (x: number): boolean => Number.isInteger(x) && x > 0
  const share = (x: number): boolean => x > 0 && x <= 1
  const rules = {
    generations: [whole, 'a whole number from 1'],
    children: [whole, 'a whole number from 1'],
    layers: [whole, 'one layer or more'],
    mutationRate: [share, 'above 0 and at most 1'],
    lowest: [share, 'above 0 and at most 1'],
    targetFlops: [share, 'above 0 and at most 1'],
  } as const
  for (const [name, [is, form]] of Object.entries(rules)) {
    const value = numbers[name as keyof typeof numbers]
    if (!is(value)) throw new TpError('TP_OPTION', 'train', `${name} of a search is ${value}; it has to be ${form}`)
  }
}
