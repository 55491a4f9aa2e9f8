import { describe, expect, test } from 'vitest'
import { pruned, type Setting } from '../registry/settings.ts'
import { type AccuracyValue, type ComparisonCell, cellKey, type SpeedValue, type TunedValue } from './cell.ts'
import { type Known, SubjectPlan } from './plan.ts'
import type { ResultLine } from './results.ts'
import { type ComparedForm, comparedForms } from './subjects.ts'
import { quickExtent } from './sweep.ts'

const form = comparedForms.find(({ name }) => name === 'mail') as ComparedForm
const EXAMPLES = 200

/** The first `wrong` examples are answered wrong. */
function answers(wrong: number): AccuracyValue {
  const correct = '0'.repeat(wrong).padEnd(EXAMPLES, '1')
  return { accuracy: 100 * (1 - wrong / EXAMPLES), answers: correct, correct, flops: 1 }
}

/** Results of a world in which it is known what everything costs. */
class World implements Known {
  readonly #lines = new Map<string, ResultLine>()
  readonly #wrong: (setting: Setting) => number
  readonly #ms: (setting: Setting) => number
  readonly #tuned: TunedValue

  constructor(wrong: (setting: Setting) => number, ms: (setting: Setting) => number, tuned: TunedValue = {}) {
    this.#wrong = wrong
    this.#ms = ms
    this.#tuned = tuned
  }

  line(cell: ComparisonCell): ResultLine | undefined {
    return this.#lines.get(cellKey(cell))
  }

  kept(): undefined {}

  value<C extends ComparisonCell>(cell: C) {
    return this.line(cell)?.value as never
  }

  /** Measures all requested cells, until there are no more. @returns the keys, in their order */
  run(plan: SubjectPlan): string[] {
    for (;;) {
      const [next] = plan.cells().filter((cell) => this.line(cell) === undefined)
      if (next === undefined) return [...this.#lines.keys()]
      this.#lines.set(cellKey(next), { value: this.#measure(next) } as ResultLine)
    }
  }

  #measure(cell: ComparisonCell): ResultLine['value'] {
    if (cell.kind === 'accuracy') return answers(this.#wrong(cell.setting))
    if (cell.kind === 'shift') return { sets: [] }
    if (cell.kind === 'tuned') return this.#tuned
    const candidates = cell.candidates.map((setting): SpeedValue['candidates'][number] => {
      const ms = this.#ms(setting)
      return { roundsMs: [ms, ms, ms], p50Ms: ms, p90Ms: ms }
    })
    return { candidates }
  }
}

const keepOf = (setting: Setting): number =>
  setting.kind === 'pruned' && typeof setting.budget.keep === 'number' ? setting.budget.keep : 1
const planOf = (world: World): SubjectPlan =>
  new SubjectPlan(form, quickExtent, { int8: true, learned: [], web: false }, world)

describe('a subject’s plan', () => {
  // cls-attention loses nothing and is the fastest; layer 4 does nothing, layer 1 little, the others much
  const cost = [20, 1, 20, 20, 0, 20]
  const wrong = (setting: Setting): number => {
    if (setting.kind === 'shallow') return setting.without.reduce((sum, layer) => sum + (cost[layer] as number), 0)
    return setting.kind === 'pruned' && setting.method !== 'cls-attention' ? 30 * (1 - keepOf(setting)) : 0
  }
  const ms = (setting: Setting): number => 10 * keepOf(setting) * (setting.int8 ? 0.5 : 1)
  const world = new World((setting) => Math.round(wrong(setting)), ms)
  const plan = planOf(world)
  const keys = world.run(plan)

  test('ends, and requests nothing twice', () => {
    expect(keys.length).toBeGreaterThan(50)
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('drops the layers that cost least, one after another', () => {
    const shallow = plan.sweeps.find(({ way }) => way === 'layers left out')
    expect(shallow?.settings.map((setting) => setting.kind === 'shallow' && setting.without)).toEqual([
      [4],
      [1, 4],
      [0, 1, 4],
    ])
  })

  test('chooses the fastest within the loss, and tries that method with 8-bit products', () => {
    const chosen = plan.chosen(1).find(({ sweep }) => sweep.way === 'pruning')
    expect(chosen?.setting).toEqual({ kind: 'pruned', method: 'cls-attention', budget: { keep: 0.1, layers: [0] } })
    expect(chosen?.speedup).toBeCloseTo(10)
    expect(plan.sweeps.find(({ way }) => way === 'int8 + pruning')?.name).toBe('int8 + cls-attention')
  })

  test('times what was chosen again on test data, where nothing has been timed before', () => {
    const [first] = plan.chosenCells()
    expect(first?.at).toMatchObject({ split: 'test' })
    const others = keys.filter((key) => key.startsWith('speed/') && key.endsWith('/test'))
    expect(others.every((key) => key.includes('/within-'))).toBe(true)
  })

  test('a plan is the same from the same results, wherever it was interrupted', () => {
    expect(planOf(world).cells().map(cellKey)).toEqual(plan.cells().map(cellKey))
  })
})

test('chooses nothing where everything loses too much, and tries 8-bit products with the usual method', () => {
  const world = new World(
    (setting) => (setting.kind === 'none' || setting.kind === 'dense' ? 0 : 60),
    () => 10,
  )
  const plan = planOf(world)
  world.run(plan)
  expect(plan.chosen(2).map(({ sweep }) => sweep.way)).toEqual(['int8'])
  expect(plan.sweeps.find(({ way }) => way === 'int8 + pruning')?.name).toBe('int8 + received-attention')
})

test('a tuned plan is a candidate like any other, and nothing is chosen before it is known', () => {
  const setting = pruned('value-aware', { keep: [0.2, 0.6], layers: [0, 1] })
  const wrong = (own: Setting): number => (own === setting || own.kind !== 'pruned' ? 0 : 2)
  const world = new World(wrong, (own) => (own === setting ? 2 : 10), { setting })
  const plan = planOf(world)
  const keys = world.run(plan)
  const tuned = plan.chosen(1).find(({ sweep }) => sweep.way === 'tuned')
  expect(tuned).toMatchObject({ setting, speedup: 5, sweep: { name: 'tuned value-aware' } })
  expect(plan.chosenCell(1)?.candidates).toContain(setting)
  const place = (part: string): number => keys.findIndex((key) => key.includes(part))
  expect(place('tuned/mail/within-1')).toBeGreaterThan(-1)
  expect(place('/within-1/')).toBeGreaterThan(place('tuned value-aware'))
})

test('shows a way whose tuning changes nothing as one that chose nothing, and does not time it', () => {
  const world = new World(
    () => 0,
    () => 10,
  )
  const plan = planOf(world)
  const keys = world.run(plan)
  expect(plan.ways).toContain('tuned')
  expect(plan.chosen(1).map(({ sweep }) => sweep.way)).not.toContain('tuned')
  expect(keys.filter((key) => key.startsWith('speed/') && key.includes('tuned'))).toEqual([])
})
