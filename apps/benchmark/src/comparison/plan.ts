import { type Figure, type Interval, mcnemar, pairedSpeedup, type Speedup } from '@tp/metrics'
import { lossOf, type MeasuredRow, meanFigures, rowOf } from '../measure/measure.ts'
import type { TimedShape } from '../measure/times.ts'
import type { DataSplit } from '../registry/data.ts'
import { methodOf } from '../registry/methods.ts'
import type { MetricFigures } from '../registry/metrics.ts'
import { DENSE, isControl, NONE, type Setting, settingKey } from '../registry/settings.ts'
import type {
  AccuracyCell,
  AccuracyValue,
  ComparisonCell,
  ShiftCell,
  ShiftValue,
  SpeedCell,
  SpeedValue,
  TunedCell,
} from './cell.ts'
import { fastestWithin, figuresOf, type Shallow, shallowSettings } from './choice.ts'
import type { Results } from './results.ts'
import type { ComparedForm } from './subjects.ts'
import {
  type Available,
  type Extent,
  fixedSweeps,
  gridSettings,
  int8Sweep,
  MAIN_METHOD,
  runsOf,
  type Sweep,
  sweep,
  tunedCell,
  tunedSweep,
  type Way,
} from './sweep.ts'

/** Points that a setting may lose on calibration data. */
export const LOSSES = [0.5, 1, 2] as const

/** Of these, the one that the rest of the report goes by. */
export const USUAL_LOSS = 1

/** The results that a plan reads. */
export type Known = Pick<Results, 'line' | 'value' | 'kept'>

/** A candidate's setting, with its loss and its speed on calibration data. */
export interface LossChoice {
  readonly sweep: Sweep
  readonly setting: Setting
  readonly loss: Interval
  readonly speedup: number
}

/** A setting with everything that is known of it on test data, compared with the model that nothing was taken from. */
export interface SettingRow extends MeasuredRow {
  readonly sweep: Sweep
  readonly setting: Setting
  /** Points lost where settings are chosen. */
  readonly calibration: Interval | undefined
  /** Of McNemar's test (mid-p); undefined for several seeds. */
  readonly p: number | undefined
  /** Points of accuracy ahead of random tokens at the same budget. */
  readonly overRandom: Interval | undefined
  /** Keep ratio at each layer's FFN. */
  readonly layers: readonly number[] | undefined
  readonly speedup: Speedup | undefined
}

/** The choice at a loss, with its figures on test data. */
export interface ReportedChoice extends LossChoice {
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
 * The measurements of one subject, and the decisions from its results: which layers are left out, which setting is the fastest
 * within a loss. A pure function of the results, so that an interrupted run continues as it would have gone on.
 */
export class SubjectPlan {
  readonly form: ComparedForm
  readonly #extent: Extent
  readonly #available: Available
  readonly #results: Known
  readonly #fixed: readonly Sweep[]
  readonly #tunedCell: TunedCell | undefined
  /** An interval takes its time, and is needed often. */
  readonly #losses = new Map<string, Interval>()

  constructor(form: ComparedForm, extent: Extent, available: Available, results: Known) {
    this.form = form
    this.#extent = extent
    this.#available = available
    this.#results = results
    this.#fixed = fixedSweeps(form, extent, available)
    this.#tunedCell = tunedCell(form, extent, USUAL_LOSS)
  }

  /** Where settings are chosen and, meanwhile, timed. */
  get split(): DataSplit {
    return this.form.examples.calibration > 0 ? 'calibration' : 'test'
  }

  get #splits(): readonly DataSplit[] {
    return this.split === 'test' ? ['test'] : ['calibration', 'test']
  }

  /** All candidates that are known yet. */
  get sweeps(): Sweep[] {
    const lead = this.#lead
    const shallow = this.#shallow().settings
    const tuned = this.#tunedCell && this.#results.value(this.#tunedCell)
    return [
      ...this.#fixed,
      ...(tuned === undefined ? [] : [tunedSweep(tuned)]),
      ...(shallow.length === 0 ? [] : [sweep('layers left out', shallow)]),
      ...(this.#available.int8 && lead !== undefined ? [int8Sweep(this.form, this.#extent, lead)] : []),
    ]
  }

  get ways(): Way[] {
    return [...new Set(this.sweeps.map(({ way }) => way))]
  }

  /** All cells known to be needed by now; when all of them are measured, and no more follow, the plan is done. */
  cells(): ComparisonCell[] {
    const accuracy = [
      ...this.#splits.map((split) => this.accuracyCell(NONE, split)),
      this.accuracyCell(DENSE, 'test'),
      ...this.sweeps.flatMap((own) => this.#accuracyCells(own)),
      ...this.#shallow().cells,
    ]
    const tuned = this.#tunedCell
    const sweeps = this.sweeps.filter(({ settings }) => settings.length > 0)
    const timed = [...(tuned === undefined ? [] : [tuned]), ...sweeps.map((own) => this.sweepSpeed(own))]
    const all = [...accuracy, ...timed, ...this.gridCells(), ...this.webCells()]
    if (!this.#areKnown([...accuracy, ...timed]) || this.#lead === undefined) return all
    const shifts = this.shiftedSettings().flatMap(({ runs }) => runs.map((run) => this.#shiftCell(run)))
    return [...all, ...this.chosenCells(), ...shifts]
  }

  accuracyCell(setting: Setting, split: DataSplit): AccuracyCell {
    const examples = Math.min(this.#extent.examples, this.form.examples[split])
    return { kind: 'accuracy', subject: this.form.name, split, setting, examples }
  }

  /** The model that nothing was taken from, on a split. */
  reference(split: DataSplit): AccuracyValue | undefined {
    return this.#results.value(this.accuracyCell(NONE, split))
  }

  /** Every setting whose answers on test data are known, by candidate. */
  rows(): SettingRow[] {
    return this.sweeps.flatMap((own) => own.settings.flatMap((setting) => this.#row(own, setting) ?? []))
  }

  /** The file as it is, on test data. */
  get dense(): MeasuredRow | undefined {
    return this.#row({ way: 'pruning', name: 'dense', settings: [DENSE] }, DENSE)
  }

  #row(own: Sweep, setting: Setting): SettingRow | undefined {
    const [reference, answers] = [this.reference('test'), this.#answers(own, setting, 'test')]
    if (reference === undefined || answers === undefined) return undefined
    const none = { figures: figuresOf(reference, reference), flops: reference.flops }
    const seeds = answers.map((value) => ({
      figures: figuresOf(value, reference),
      flops: value.flops,
      kept: value.kept,
      maxTokens: value.maxTokens,
    }))
    const row = rowOf({ name: own.name, settings: [setting] }, seeds, none)
    const right = (figures: MetricFigures): boolean[] => (figures.accuracy as Figure).got.map(Boolean)
    const random = this.#randomLike(setting)
    return {
      ...row,
      sweep: own,
      setting,
      calibration: this.#loss(own, setting, 'calibration'),
      p: answers.length === 1 ? mcnemar(right(none.figures), right(row.figures)).p : undefined,
      overRandom: random && lossOf(row.figures, random),
      layers: answers[0]?.kept,
      speedup: this.speedupOf(this.sweepSpeed(own), setting),
    }
  }

  /** The answers with random tokens at the budget of a method. */
  #randomLike(setting: Setting): MetricFigures | undefined {
    const chance = this.#fixed.find(({ way }) => way === 'random')
    if (chance === undefined || setting.kind !== 'pruned' || setting.int8 || isControl(setting)) return undefined
    return this.#figures(chance, { ...setting, method: 'random' }, 'test')
  }

  /** A candidate's settings one by one, at the lengths of what settings are chosen on. */
  sweepSpeed({ name, settings }: Sweep): SpeedCell {
    const at = { split: this.split, examples: this.#extent.timedExamples }
    return this.#speed(name, at, [NONE, DENSE, ...settings.filter((own) => own.kind !== 'none' || own.int8)])
  }

  timesOf(cell: SpeedCell): SpeedValue | undefined {
    return this.#results.value(cell)
  }

  /** Over another setting of the cell, timed in turns; usually over the model without its dead tokens. */
  speedupOf(cell: SpeedCell, setting: Setting, over: Setting = NONE): Speedup | undefined {
    const times = this.timesOf(cell)?.candidates
    const [base, own] = [over, setting].map((one) => {
      return times?.[cell.candidates.findIndex((timed) => settingKey(timed) === settingKey(one))]
    })
    return base && own && pairedSpeedup(base.roundsMs, own.roundsMs)
  }

  /** A candidate's settings with what they can be chosen by. */
  choices(own: Sweep): LossChoice[] {
    if (this.split === 'test') return []
    return own.settings.flatMap((setting) => {
      const loss = this.#loss(own, setting, 'calibration')
      const speedup = this.speedupOf(this.sweepSpeed(own), setting)
      return loss === undefined || speedup === undefined ? [] : [{ sweep: own, setting, loss, speedup: speedup.value }]
    })
  }

  /**
   * The fastest of each way within a loss on calibration data; ways without one are left out. In a report of kept results it is
   * what was chosen when they were measured.
   */
  chosen(points: number): LossChoice[] {
    const kept = this.#results.kept(this.#chosenCell(points, []))?.candidates.map(settingKey)
    if (kept !== undefined) {
      const choices = this.sweeps.flatMap((own) => this.choices(own))
      return choices.filter(({ setting }) => kept.includes(settingKey(setting)))
    }
    return this.ways.flatMap((way) => this.#fastest(points, (own) => own.way === way) ?? [])
  }

  /** The choice at a loss, measured as a whole. */
  reported(rows: readonly SettingRow[], points: number): ReportedChoice[] {
    const cell = this.chosenCell(points)
    if (cell === undefined) return []
    return this.chosen(points).flatMap((choice) => {
      const row = rows.find(({ setting }) => settingKey(setting) === settingKey(choice.setting))
      const tested = this.speedupOf(cell, choice.setting)
      return row === undefined || tested === undefined ? [] : [{ ...choice, row, tested }]
    })
  }

  /** The choice at a loss, timed again in turns, on test data. */
  chosenCell(points: number): SpeedCell | undefined {
    const settings = this.chosen(points).map(({ setting }) => setting)
    const cell = this.#chosenCell(points, settings)
    return settings.length === 0 ? undefined : (this.#results.kept(cell) ?? cell)
  }

  #chosenCell(points: number, settings: readonly Setting[]): SpeedCell {
    const at = { split: 'test', examples: this.#extent.timedExamples } as const
    return this.#speed(`within-${points}`, at, [NONE, DENSE, ...settings])
  }

  chosenCells(): SpeedCell[] {
    return LOSSES.flatMap((points) => this.chosenCell(points) ?? [])
  }

  /** Batches of all shapes. */
  gridCells(): SpeedCell[] {
    if (!this.form.grid) return []
    const { batches, tokens } = this.#extent
    const lengths = this.form.tokens === undefined ? tokens : [this.form.tokens]
    const shapes = batches.flatMap((batch) => lengths.map((n): TimedShape => ({ batch, tokens: n })))
    return shapes.map((at) => this.#speed('grid', at, [NONE, DENSE, ...gridSettings(this.form, this.#available)]))
  }

  /** The same files in a browser. */
  webCells(): SpeedCell[] {
    if (!this.#available.web || !this.form.grid || this.form.modality !== 'text') return []
    const settings = [NONE, DENSE, ...gridSettings(this.form, this.#available).filter(({ int8 }) => !int8)]
    return this.#extent.web.map(([batch, tokens]) => ({
      ...this.#speed('grid', { batch, tokens }, settings),
      runtime: 'wasm',
    }))
  }

  /**
   * The candidates on shifted data: the untouched model, the fastest of each family within the usual loss,
   * random tokens at the budget of the first of them, all that has learned, and the other ways to save work. With the runs of each.
   */
  shiftedSettings(): Shifted[] {
    const familyOf = ({ name }: Sweep): string => methodOf({ method: name }).family
    const families = [...new Set(this.sweeps.filter(({ way }) => way === 'pruning').map(familyOf))]
    const best = families.flatMap(
      (family) => this.#fastest(USUAL_LOSS, (own) => own.way === 'pruning' && familyOf(own) === family) ?? [],
    )
    const learned = this.sweeps
      .filter(({ way }) => way === 'learned')
      .flatMap((own) => this.#fastest(USUAL_LOSS, (one) => one === own) ?? [])
    const seen: readonly Way[] = ['pruning', 'random', 'evenly spread', 'learned']
    const others = this.chosen(USUAL_LOSS).filter(({ sweep: { way } }) => !seen.includes(way))
    const chance = this.#fixed.find(({ way }) => way === 'random')
    const [first] = best
    const random =
      first?.setting.kind === 'pruned' && chance ? runsOf(chance, { ...first.setting, method: 'random' }) : []
    const shifted = ({ sweep: { name }, setting }: LossChoice): Shifted => ({ name, runs: [setting] })
    return [
      { name: 'none', runs: [NONE] },
      ...best.map(shifted),
      ...(random.length === 0 ? [] : [{ name: 'random', runs: random }]),
      ...[...learned, ...others].map(shifted),
    ]
  }

  /** Answers on shifted data of all runs of a setting; undefined until the last is known. */
  shiftedAnswers(runs: readonly Setting[]): ShiftValue[] | undefined {
    return allOf(runs.map((run) => this.#results.value(this.#shiftCell(run))))
  }

  #areKnown(cells: readonly ComparisonCell[]): boolean {
    return cells.every((cell) => this.#results.line(cell) !== undefined)
  }

  /** The answers of all runs of a setting; undefined until the last has. */
  #answers(own: Sweep, setting: Setting, split: DataSplit): AccuracyValue[] | undefined {
    return allOf(runsOf(own, setting).map((run) => this.#results.value(this.accuracyCell(run, split))))
  }

  #figures(own: Sweep, setting: Setting, split: DataSplit): MetricFigures | undefined {
    const [reference, answers] = [this.reference(split), this.#answers(own, setting, split)]
    return reference && answers && meanFigures(answers.map((value) => figuresOf(value, reference)))
  }

  /** Points of accuracy lost against the untouched model; undefined until both are known. */
  #loss(own: Sweep, setting: Setting, split: DataSplit): Interval | undefined {
    const key = `${split} ${settingKey(setting)}`
    const known = this.#losses.get(key)
    if (known !== undefined) return known
    const [reference, figures] = [this.reference(split), this.#figures(own, setting, split)]
    if (reference === undefined || figures === undefined) return undefined
    const loss = lossOf(figuresOf(reference, reference), figures)
    this.#losses.set(key, loss)
    return loss
  }

  #fastest(points: number, isEligible: (own: Sweep) => boolean, sweeps = this.sweeps): LossChoice | undefined {
    return fastestWithin(
      sweeps.filter(isEligible).flatMap((own) => this.choices(own)),
      points,
    )
  }

  /** The method that is tried together with 8-bit products: at the usual loss, or else at twice that; undefined until it can be chosen. */
  get #lead(): string | undefined {
    const isPruning = ({ way }: Sweep): boolean => way === 'pruning'
    const needed = this.#fixed.filter(isPruning).flatMap((own) => [...this.#accuracyCells(own), this.sweepSpeed(own)])
    if (!this.#areKnown(needed)) return undefined
    const [usual, double] = [USUAL_LOSS, 2 * USUAL_LOSS].map((points) =>
      this.#fastest(points, isPruning, [...this.#fixed]),
    )
    return (usual ?? double)?.sweep.name ?? MAIN_METHOD
  }

  #accuracyCells(own: Sweep): AccuracyCell[] {
    const runs = own.settings.flatMap((setting) => runsOf(own, setting))
    return this.#splits.flatMap((split) => runs.map((run) => this.accuracyCell(run, split)))
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

/** All of them, or nothing. */
function allOf<T>(values: readonly (T | undefined)[]): T[] | undefined {
  return values.every((value) => value !== undefined) ? [...values] : undefined
}
