import { byLayer, type Method, quasiRandom, random } from '@tp/core'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { evit, tome, zeroTprune } from '@tp/method-hybrid'
import { type Budget, scheduleOf } from '../measure/compare.ts'
import type { Subject } from '../measure/subject.ts'
import { pruned, type Variant } from '../measure/variant.ts'
import { budgetText } from '../output/lines-table.ts'
import type { Encoder } from './encoders.ts'

/** What stands in the tables, or five of one kind: random has to be tried more than once. */
export interface Candidate {
  readonly name: string
  readonly methods: readonly Method[]
  readonly budgets: (encoder: Encoder) => readonly Budget[]
}

const SEEDS = [0, 1, 2, 3, 4]
const AT_ONCE = [0.6, 0.55, 0.5]
const GRADUALLY = [0.9, 0.8]

export const candidates: readonly Candidate[] = [
  one(quasiRandom()),
  { name: 'spread, then merge', methods: [spreadThenMerge()], budgets: inBothWays },
  one(tome()),
  one(evit()),
  one(clsAttention()),
  one(receivedAttention()),
  one(zeroTprune()),
  { name: 'random', methods: SEEDS.map((seed) => random({ seed })), budgets: inOneWay },
]

/** Evenly spread tokens stay at first; of these the most similar are merged little by little. */
function spreadThenMerge(): Method {
  return byLayer('spread-then-merge', new Map([[0, quasiRandom()]]), tome())
}

function one(method: Method): Candidate {
  return { name: method.name, methods: [method], budgets: inOneWay }
}

/** At once behind the first or the second layer, most behind the second and a few before, or a little behind each of others. */
function inOneWay({ gradual }: Encoder): Budget[] {
  return [
    ...[0, 1].flatMap((layer) => AT_ONCE.map((keep) => ({ keep, layers: [layer] }))),
    { keep: [0.9, 0.6], layers: [0, 1] },
    ...GRADUALLY.map((keep) => ({ keep, layers: gradual })),
  ]
}

/** At once, and then a little. */
function inBothWays({ gradual }: Encoder): Budget[] {
  const [little] = GRADUALLY as [number]
  return AT_ONCE.map((keep) => ({ keep: [keep, ...gradual.map(() => little)], layers: [0, ...gradual] }))
}

/** A candidate at a budget. */
export interface Setting {
  readonly candidate: Pick<Candidate, 'name' | 'methods'>
  readonly budget: Budget
}

/** In the order of every table. */
export function settingsOf(encoder: Encoder): Setting[] {
  return candidates.flatMap((candidate) => candidate.budgets(encoder).map((budget) => ({ candidate, budget })))
}

/** The model cut by a candidate's method, by the first of several. */
export function cut(subject: Subject, { candidate, budget }: Setting, which = 0): Variant {
  return pruned(subject, candidate.methods[which] as Method, scheduleOf(subject, budget))
}

/** `keep 0.6 once, in layer 0`, and where the first layer keeps another share than the others, both. */
export function settingText({ keep, layers }: Budget): string {
  if (typeof keep === 'number') return budgetText({ keep, layers })
  const [first, ...rest] = layers as [number, ...number[]]
  return `${budgetText({ keep: [keep[0] as number], layers: [first] })}, then ${budgetText({ keep: keep[1] as number, layers: rest })}`
}
