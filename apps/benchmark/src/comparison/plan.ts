import { type Interval, mcnemar, pairedSpeedup, type Speedup } from '@tp/eval/metrics'
import type { Shape } from '../measure/times.ts'
import type { Split } from '../registry/data.ts'
import { methodOf } from '../registry/methods.ts'
import { DENSE, isControl, NONE, pruned, type Setting, settingKey } from '../registry/settings.ts'
import type { AccuracyCell, AccuracyValue, Cell, ShiftCell, ShiftValue, SpeedCell, SpeedValue } from './cell.ts'
import { accuracyOf, agreementOf, fastestWithin, lossOf, type Shallow, shallowSettings, shareRight } from './choice.ts'
import type { Results } from './results.ts'
import type { ComparedForm } from './subjects.ts'
import { type Available, type Extent, fixedSweeps, int8Sweep, runsOf, type Sweep, sweep, type Way } from './sweep.ts'

/** Points that a setting may lose on calibration data. */
export const LOSSES = [0.5, 1, 2] as const

/** Of these, the one that the rest of the report goes by. */
export const USUAL_LOSS = 1

/** The method of the grids; which one it is does not depend on the numbers. */
const MAIN_METHOD = 'received-attention'

/** Ratios whose time is measured at all shapes. */
const [MILD, HARSH] = [0.7, 0.5]

/** A candidate's setting, with its loss and its speed on calibration data. */
export interface Choice {
  readonly sweep: Sweep
  readonly setting: Setting
  readonly loss: Interval
  readonly speedup: number
}

/** A setting with everything that is known of it on test data. */
export interface SettingRow {
  readonly sweep: Sweep
  readonly setting: Setting
  /** Points lost where settings are chosen, and on test data. */
  readonly calibration: Interval | undefined
  readonly loss: Interval
  /** Percent. */
  readonly accuracy: Interval
  readonly agreement: number
  /** Of McNemar's test against what nothing was taken from (mid-p); undefined for several seeds. */
  readonly p: number | undefined
  /** Points of accuracy ahead of random tokens at the same budget. */
  readonly overRandom: Interval | undefined
  readonly seeds: number
  /** Multiply-adds of the model without its dead tokens over those of this. */
  readonly flops: number
  /** Keep ratio at each layer's FFN. */
  readonly kept: readonly number[] | undefined
  readonly maxTokens: number | undefined
  readonly speedup: Speedup | undefined
}

/** What was chosen at a loss, with what became of it on test data. */
export interface Reported extends Choice {
  readonly row: SettingRow
  /** Timed in turns with all others that were chosen, on test data. */
  readonly tested: Speedup
}

/** A setting on data that were shifted in one way. */
export interface Shifted {
  readonly name: string
  readonly runs: readonly Setting[]
}

/**
 * What is measured of one subject, and what its results decide: which layers are left out, which setting is the fastest
 * within a loss. A pure function of the results, so that a run that was broken off goes on as it would have gone on.
 */
export class SubjectPlan {
  readonly form: ComparedForm
  readonly #extent: Extent
  readonly #available: Available
  readonly #results: Pick<Results, 'line' | 'value'>
  readonly #fixed: readonly Sweep[]
  /** An interval takes its time, and is asked for often. */
  readonly #losses = new Map<string, Interval>()

  constructor(form: ComparedForm, extent: Extent, available: Available, results: Pick<Results, 'line' | 'value'>) {
    this.form = form
    this.#extent = extent
    this.#available = available
    this.#results = results
    this.#fixed = fixedSweeps(form, extent, available)
  }

  /** Where settings are chosen and, meanwhile, timed. */
  get split(): Split {
    return this.form.examples.calibration > 0 ? 'calibration' : 'test'
  }

  /** All candidates that are known yet. */
  get sweeps(): Sweep[] {
    const lead = this.#lead
    const shallow = this.#shallow().settings
    return [
      ...this.#fixed,
      ...(shallow.length === 0 ? [] : [sweep('layers left out', shallow)]),
      ...(this.#available.int8 && lead !== undefined ? [int8Sweep(this.form, this.#extent, lead)] : []),
    ]
  }

  get ways(): Way[] {
    return [...new Set(this.sweeps.map(({ way }) => way))]
  }

  /** Everything that can be said to be needed by now; once all of it is measured, and this says no more, all is done. */
  cells(): Cell[] {
    const shallow = this.#shallow()
    const splits: readonly Split[] = this.split === 'test' ? ['test'] : ['calibration', 'test']
    const accuracy = [
      ...splits.map((split) => this.accuracyCell(NONE, split)),
      this.accuracyCell(DENSE, 'test'),
      ...this.sweeps.flatMap((own) => this.#accuracyCells(own, splits)),
      ...shallow.cells,
    ]
    const speed = this.sweeps.map((own) => this.sweepSpeed(own))
    const others = [...this.gridCells(), ...this.webCells()]
    const isDone = [...accuracy, ...speed].every((cell) => this.#isKnown(cell))
    if (!isDone || this.#lead === undefined) return [...accuracy, ...speed, ...others]
    const shifts = this.shiftedSettings().flatMap(({ runs }) => runs.map((run) => this.#shiftCell(run)))
    return [...accuracy, ...speed, ...others, ...this.chosenCells(), ...shifts]
  }

  accuracyCell(setting: Setting, split: Split): AccuracyCell {
    const examples = Math.min(this.#extent.examples, this.form.examples[split])
    return { kind: 'accuracy', subject: this.form.name, split, setting, examples }
  }

  /** The model that nothing was taken from, on a split. */
  reference(split: Split): AccuracyValue | undefined {
    return this.#results.value(this.accuracyCell(NONE, split))
  }

  /** The file as it is, on test data. */
  get dense(): AccuracyValue | undefined {
    return this.#results.value(this.accuracyCell(DENSE, 'test'))
  }

  /** Every setting whose answers on test data are known, by candidate. */
  rows(): SettingRow[] {
    const reference = this.reference('test')
    if (reference === undefined) return []
    const right = shareRight([reference]).map(Boolean)
    return this.sweeps.flatMap((own) =>
      own.settings.flatMap((setting): SettingRow[] => {
        const answers = this.#answers(own, setting, 'test')
        const loss = this.#loss(own, setting, 'test')
        const [first] = answers ?? []
        if (answers === undefined || first === undefined || loss === undefined) return []
        const random = this.#randomLike(setting)
        return [
          {
            sweep: own,
            setting,
            loss,
            seeds: answers.length,
            calibration: this.#loss(own, setting, 'calibration'),
            accuracy: accuracyOf(answers),
            agreement: agreementOf(answers, reference),
            p: answers.length === 1 ? mcnemar(right, shareRight(answers).map(Boolean)).p : undefined,
            overRandom: random && lossOf(random, answers),
            flops: reference.flops / first.flops,
            kept: first.kept,
            maxTokens: first.maxTokens,
            speedup: this.speedupOf(this.sweepSpeed(own), setting),
          },
        ]
      }),
    )
  }

  /** What random tokens answer at the budget of a method. */
  #randomLike(setting: Setting): AccuracyValue[] | undefined {
    const chance = this.#fixed.find(({ way }) => way === 'random')
    if (chance === undefined || setting.kind !== 'pruned' || setting.int8 || isControl(setting)) return undefined
    return this.#answers(chance, { ...setting, method: 'random' }, 'test')
  }

  /** A candidate's settings one by one, at the lengths of what settings are chosen on. */
  sweepSpeed({ name, settings }: Sweep): SpeedCell {
    const at = { split: this.split, examples: this.#extent.timedExamples }
    return this.#speed(name, at, [NONE, DENSE, ...settings.filter((own) => own.kind !== 'none' || own.int8)])
  }

  timesOf(cell: SpeedCell): SpeedValue | undefined {
    return this.#results.value(cell)
  }

  /** Over the model without its dead tokens, in turns. */
  speedupOf(cell: SpeedCell, setting: Setting): Speedup | undefined {
    const index = cell.candidates.findIndex((one) => settingKey(one) === settingKey(setting))
    const times = this.timesOf(cell)?.candidates
    const [first, own] = [times?.[0], times?.[index]]
    return first && own && pairedSpeedup(first.roundsMs, own.roundsMs)
  }

  /** A candidate's settings with what they can be chosen by. */
  choices(own: Sweep): Choice[] {
    if (this.split === 'test') return []
    return own.settings.flatMap((setting) => {
      const loss = this.#loss(own, setting, 'calibration')
      const speedup = this.speedupOf(this.sweepSpeed(own), setting)
      return loss === undefined || speedup === undefined ? [] : [{ sweep: own, setting, loss, speedup: speedup.value }]
    })
  }

  /** The fastest of each way within a loss on calibration data; ways without one are left out. */
  chosen(points: number): Choice[] {
    return this.ways.flatMap(
      (way) =>
        this.#fastest(
          this.sweeps.filter((own) => own.way === way),
          points,
        ) ?? [],
    )
  }

  /** What was chosen at a loss and is measured whole. */
  reported(rows: readonly SettingRow[], points: number): Reported[] {
    const cell = this.chosenCell(points)
    if (cell === undefined) return []
    return this.chosen(points).flatMap((choice) => {
      const row = rows.find(({ setting }) => settingKey(setting) === settingKey(choice.setting))
      const tested = this.speedupOf(cell, choice.setting)
      return row === undefined || tested === undefined ? [] : [{ ...choice, row, tested }]
    })
  }

  /** What was chosen at a loss, timed again in turns, on test data. */
  chosenCell(points: number): SpeedCell | undefined {
    const settings = this.chosen(points).map(({ setting }) => setting)
    const at = { split: 'test', examples: this.#extent.timedExamples } as const
    return settings.length === 0 ? undefined : this.#speed(`within-${points}`, at, [NONE, DENSE, ...settings])
  }

  chosenCells(): SpeedCell[] {
    return LOSSES.flatMap((points) => this.chosenCell(points) ?? [])
  }

  /** Batches of all shapes. */
  gridCells(): SpeedCell[] {
    if (!this.form.grid) return []
    const { batches, tokens } = this.#extent
    const lengths = this.form.tokens === undefined ? tokens : [this.form.tokens]
    const shapes = batches.flatMap((batch) => lengths.map((n): Shape => ({ batch, tokens: n })))
    return shapes.map((at) => this.#speed('grid', at, [NONE, DENSE, ...this.gridSettings()]))
  }

  gridSettings(): Setting[] {
    const at = (method: string, keep: number): Setting => pruned(method, { keep, layers: this.form.gradual })
    const main = at(MAIN_METHOD, MILD)
    const int8: Setting[] = [
      { ...NONE, int8: true },
      { ...main, int8: true },
    ]
    const others = [at(MAIN_METHOD, HARSH), at('tome', MILD), at('random', MILD)]
    return [main, ...others, ...(this.#available.int8 ? int8 : [])]
  }

  /** The same files in a browser. */
  webCells(): SpeedCell[] {
    if (!this.#available.web || !this.form.grid || this.form.modality !== 'text') return []
    const settings = [NONE, DENSE, ...this.gridSettings().filter(({ int8 }) => !int8)]
    return this.#extent.web.map(([batch, tokens]) => ({
      ...this.#speed('grid', { batch, tokens }, settings),
      runtime: 'wasm',
    }))
  }

  /**
   * What is tried on shifted data: the model that nothing was taken from, the fastest of each family within the usual loss,
   * random tokens at the budget of the first of them, all that has learned, and the other ways to save work. With the runs of each.
   */
  shiftedSettings(): Shifted[] {
    const pruning = this.sweeps.filter(({ way }) => way === 'pruning')
    const familyOf = ({ name }: Sweep): string => methodOf({ method: name }).family
    const families = [...new Set(pruning.map(familyOf))]
    const best = families.flatMap(
      (family) =>
        this.#fastest(
          pruning.filter((own) => familyOf(own) === family),
          USUAL_LOSS,
        ) ?? [],
    )
    const learned = this.sweeps
      .filter(({ way }) => way === 'learned')
      .flatMap((own) => this.#fastest([own], USUAL_LOSS) ?? [])
    const seen: readonly Way[] = ['pruning', 'random', 'evenly spread', 'learned']
    const others = this.chosen(USUAL_LOSS).filter(({ sweep: { way } }) => !seen.includes(way))
    const [first] = best
    const chance = this.#fixed.find(({ way }) => way === 'random')
    const shifted = ({ sweep: { name }, setting }: Choice): Shifted => ({ name, runs: [setting] })
    const random =
      first?.setting.kind === 'pruned' && chance ? runsOf(chance, { ...first.setting, method: 'random' }) : []
    return [
      { name: 'none', runs: [NONE] },
      ...best.map(shifted),
      ...(random.length === 0 ? [] : [{ name: 'random', runs: random }]),
      ...[...learned, ...others].map(shifted),
    ]
  }

  /** Answers on shifted data of all runs of a setting; undefined until the last is known. */
  shiftedAnswers(runs: readonly Setting[]): ShiftValue[] | undefined {
    const values = runs.map((run) => this.#results.value(this.#shiftCell(run)))
    return values.every((value) => value !== undefined) ? values : undefined
  }

  #isKnown(cell: Cell): boolean {
    return this.#results.line(cell) !== undefined
  }

  /** What all runs of a setting answered; undefined until the last has. */
  #answers(own: Sweep, setting: Setting, split: Split): AccuracyValue[] | undefined {
    const values = runsOf(own, setting).map((run) => this.#results.value(this.accuracyCell(run, split)))
    return values.every((value) => value !== undefined) ? values : undefined
  }

  /** Points of accuracy lost against the model that nothing was taken from; undefined until that can be said. */
  #loss(own: Sweep, setting: Setting, split: Split): Interval | undefined {
    const key = `${split} ${settingKey(setting)}`
    const known = this.#losses.get(key)
    if (known !== undefined) return known
    const [reference, answers] = [this.reference(split), this.#answers(own, setting, split)]
    if (reference === undefined || answers === undefined) return undefined
    const loss = lossOf(answers, [reference])
    this.#losses.set(key, loss)
    return loss
  }

  #fastest(sweeps: readonly Sweep[], points: number): Choice | undefined {
    return fastestWithin(
      sweeps.flatMap((own) => this.choices(own)),
      points,
    )
  }

  /** Pruning without training at the usual loss, or else at twice that. */
  get #usual(): Choice | undefined {
    const sweeps = this.#fixed.filter(({ way }) => way === 'pruning')
    return this.#fastest(sweeps, USUAL_LOSS) ?? this.#fastest(sweeps, 2 * USUAL_LOSS)
  }

  /** The method that is tried together with 8-bit products; undefined until it can be chosen. */
  get #lead(): string | undefined {
    const sweeps = this.#fixed.filter(({ way }) => way === 'pruning')
    const splits: readonly Split[] = this.split === 'test' ? ['test'] : ['calibration', 'test']
    const needed = sweeps.flatMap((own) => [...this.#accuracyCells(own, splits), this.sweepSpeed(own)])
    return needed.every((cell) => this.#isKnown(cell)) ? (this.#usual?.sweep.name ?? MAIN_METHOD) : undefined
  }

  #accuracyCells(own: Sweep, splits: readonly Split[]): AccuracyCell[] {
    const runs = own.settings.flatMap((setting) => runsOf(own, setting))
    return splits.flatMap((split) => runs.map((run) => this.accuracyCell(run, split)))
  }

  #shallow(): Shallow {
    const reference = this.reference('calibration')
    if (this.split === 'test' || reference === undefined) return { settings: [], cells: [] }
    const cellOf = (setting: Setting): AccuracyCell => this.accuracyCell(setting, 'calibration')
    return shallowSettings(this.form.layers, reference, cellOf, this.#results)
  }

  #shiftCell(setting: Setting): ShiftCell {
    const { examples, severity } = this.#extent.shifted
    return { kind: 'shift', subject: this.form.name, setting, examples, severity }
  }

  #speed(name: string, at: SpeedCell['at'], settings: readonly Setting[]): SpeedCell {
    const { budgetMs } = this.#extent
    return { kind: 'speed', subject: this.form.name, name, runtime: 'node', at, candidates: settings, budgetMs }
  }
}
