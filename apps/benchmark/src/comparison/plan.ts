import { type Interval, pairedSpeedup, type Speedup } from '@tp/eval/metrics'
import type { Shape } from '../measure/shapes.ts'
import type {
  AccuracyCell,
  AccuracyValue,
  Cell,
  Entrant,
  Optimisation,
  ShiftCell,
  ShiftValue,
  SpeedCell,
  SpeedValue,
  Split,
  TrajectoryCell,
} from './cell.ts'
import { type Candidate, fastestWithin, lossOf } from './choice.ts'
import { type Extent, fixedLadders, int8Ladder, type Ladder, type Peers, runsOf } from './ladder.ts'
import type { Results } from './results.ts'
import { methodOf, type Setting, settingKey } from './setting.ts'
import { type Shallow, shallowSettings } from './shallow.ts'
import type { SubjectForm } from './subjects.ts'

/** Points that a setting may lose on calibration data. */
export const LOSSES = [0.5, 1, 2] as const

/** Of these, the one that the rest of the report goes by. */
export const USUAL_LOSS = 1

/** Shares whose time is measured at all shapes. */
const GRID_KEEPS = [0.7, 0.5]

/** Of examples whose answers turn one is shown; the first may be too long to be read. */
const MOST_TURNED = 50

const [NONE, DENSE]: [Setting, Setting] = [{ kind: 'none' }, { kind: 'dense' }]

const OPTIMISATIONS: readonly (Optimisation | undefined)[] = [undefined, 'extended', 'basic', 'disabled']

/** A candidate's setting within a loss, with what it was chosen by. */
export interface Choice extends Candidate {
  readonly ladder: Ladder
}

/**
 * What is measured of one subject, and what its results decide: which layers are left out, which setting is the fastest
 * within a loss. A pure function of the results, so that a run that was broken off goes on as it would have gone on.
 */
export class SubjectPlan {
  readonly form: SubjectForm
  readonly #extent: Extent
  readonly #peers: Peers
  readonly #results: Pick<Results, 'line' | 'value'>
  /** An interval is drawn from thousands of resamples, and asked for often. */
  readonly #losses = new Map<string, Interval>()

  constructor(form: SubjectForm, extent: Extent, peers: Peers, results: Pick<Results, 'line' | 'value'>) {
    this.form = form
    this.#extent = extent
    this.#peers = peers
    this.#results = results
  }

  /** Where settings are chosen and, meanwhile, timed. */
  get split(): Split {
    return this.form.examples.calibration > 0 ? 'calibration' : 'test'
  }

  get splits(): readonly Split[] {
    return this.split === 'test' ? ['test'] : ['calibration', 'test']
  }

  /** All candidates that are known yet. */
  get ladders(): Ladder[] {
    const lead = this.#lead
    const shallow = this.#shallow().settings
    return [
      ...this.#fixed,
      ...(shallow.length === 0
        ? []
        : [{ group: 'layers left out', name: 'layers left out', settings: shallow } satisfies Ladder]),
      ...(this.#peers.int8 && lead !== undefined ? [int8Ladder(this.form, this.#extent, lead)] : []),
    ]
  }

  /** Everything that can be said to be needed by now; once all of it is measured, and this says no more, all is done. */
  cells(): Cell[] {
    const shallow = this.#shallow()
    const accuracy = [
      ...this.splits.map((split) => this.accuracyCell(NONE, split)),
      this.accuracyCell(DENSE, 'test'),
      ...this.ladders.flatMap((ladder) => this.#accuracyCells(ladder)),
      ...shallow.cells,
    ]
    const speed = this.ladders.map((ladder) => this.ladderSpeed(ladder))
    const others = [...this.gridCells(), ...this.optimisationCells(), ...this.webCells()]
    const isDone = [...accuracy, ...speed].every((cell) => this.#results.line(cell) !== undefined)
    if (!isDone || this.#lead === undefined) return [...accuracy, ...speed, ...others]
    const shifts = this.shiftedSettings().flatMap(({ runs }) => runs.map((run) => this.shiftCell(run)))
    return [...accuracy, ...speed, ...others, ...this.chosenCells(), ...shifts, this.trajectoryCell()]
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

  /** What all runs of a setting answered; undefined until the last has. */
  answers(ladder: Ladder, setting: Setting, split: Split): AccuracyValue[] | undefined {
    const values = runsOf(ladder, setting).map((run) => this.#results.value(this.accuracyCell(run, split)))
    return values.every((value) => value !== undefined) ? values : undefined
  }

  /** A candidate's settings one by one, at the lengths of what settings are chosen on. */
  ladderSpeed(ladder: Ladder): SpeedCell {
    const at = { split: this.split, examples: this.#extent.timedExamples }
    return this.#speed(ladder.name, at, [
      NONE,
      DENSE,
      ...ladder.settings.filter((own) => own.kind !== 'none' || own.int8),
    ])
  }

  timesOf(cell: SpeedCell): SpeedValue | undefined {
    return this.#results.value(cell)
  }

  /** Over the model without its dead tokens, in turns. */
  speedupOf(cell: SpeedCell, setting: Setting, optimisation?: Optimisation): Speedup | undefined {
    const value = this.#results.value(cell)
    const index = cell.entrants.findIndex(
      (entrant) => settingKey(entrant.setting) === settingKey(setting) && entrant.optimisation === optimisation,
    )
    const [first, own] = [value?.entrants[0], value?.entrants[index]]
    return first && own && pairedSpeedup(first.roundsMs, own.roundsMs)
  }

  /** Points of accuracy lost against the model that nothing was taken from; undefined until that can be said. */
  loss(ladder: Ladder, setting: Setting, split: Split): Interval | undefined {
    const key = `${split} ${settingKey(setting)}`
    const known = this.#losses.get(key)
    if (known !== undefined) return known
    const [reference, answers] = [this.reference(split), this.answers(ladder, setting, split)]
    if (reference === undefined || answers === undefined) return undefined
    const loss = lossOf(answers, reference)
    this.#losses.set(key, loss)
    return loss
  }

  /** A candidate's settings with what they can be chosen by. */
  candidates(ladder: Ladder): Choice[] {
    if (this.split === 'test') return []
    return ladder.settings.flatMap((setting) => {
      const loss = this.loss(ladder, setting, 'calibration')
      const speedup = this.speedupOf(this.ladderSpeed(ladder), setting)
      return loss === undefined || speedup === undefined ? [] : [{ ladder, setting, loss, speedup: speedup.value }]
    })
  }

  /** The fastest of each group within a loss on calibration data; groups without one are left out. */
  chosen(points: number): Choice[] {
    const groups = [...new Set(this.ladders.map(({ group }) => group))]
    return groups.flatMap((group) => {
      const ladders = this.ladders.filter((ladder) => ladder.group === group)
      return (
        fastestWithin(
          ladders.flatMap((ladder) => this.candidates(ladder)),
          points,
        ) ?? []
      )
    })
  }

  get groups(): Ladder['group'][] {
    return [...new Set(this.ladders.map(({ group }) => group))]
  }

  /** What was chosen, timed again in turns, on test data. */
  chosenCells(): SpeedCell[] {
    return LOSSES.flatMap((points) => {
      const settings = this.chosen(points).map(({ setting }) => setting)
      const at = { split: 'test', examples: this.#extent.timedExamples } as const
      return settings.length === 0 ? [] : [this.#speed(`within-${points}`, at, [NONE, DENSE, ...settings])]
    })
  }

  gridShapes(): Shape[] {
    const { batches, tokens } = this.#extent
    const lengths = this.form.tokens === undefined ? tokens : [this.form.tokens]
    return batches.flatMap((batch) => lengths.map((n) => ({ batch, tokens: n })))
  }

  /** Batches of all shapes. */
  gridCells(): SpeedCell[] {
    if (!this.form.grid) return []
    return this.gridShapes().map((at) => this.#speed('grid', at, [NONE, DENSE, ...this.gridSettings()]))
  }

  gridSettings(): Setting[] {
    const at = (method: string, keep: number): Setting => ({
      kind: 'pruned',
      method,
      budget: { keep, layers: this.form.gradual },
    })
    const [mild, harsh] = GRID_KEEPS as [number, number]
    const main = at(MAIN_METHOD, mild)
    return [
      main,
      at(MAIN_METHOD, harsh),
      at('tome', mild),
      at('random', mild),
      ...(this.#peers.int8
        ? ([
            { kind: 'none', int8: true },
            { ...main, int8: true },
          ] satisfies Setting[])
        : []),
    ]
  }

  /** What onnxruntime's own rewriting of graphs gains, with and without pruning. */
  optimisationCells(): SpeedCell[] {
    const [main] = this.gridSettings() as [Setting]
    const entrants = [NONE, main].flatMap((setting) =>
      OPTIMISATIONS.map((optimisation): Entrant => ({ setting, ...(optimisation && { optimisation }) })),
    )
    if (!this.form.grid) return []
    const at = { batch: 1, tokens: this.form.tokens ?? 128 }
    return [{ ...this.#speed('optimisation', at, []), entrants }]
  }

  /** The same files in a browser. */
  webCells(): SpeedCell[] {
    if (!this.#peers.web || !this.form.grid || this.form.modality !== 'text') return []
    return this.#extent.web.map(([batch, tokens]) => ({
      ...this.#speed('grid', { batch, tokens }, [NONE, DENSE, ...this.gridSettings().filter(({ int8 }) => !int8)]),
      runtime: 'wasm',
    }))
  }

  shiftCell(setting: Setting): ShiftCell {
    const { examples, severity } = this.#extent.shifted
    return { kind: 'shift', subject: this.form.name, setting, examples, severity }
  }

  /**
   * What is tried on shifted data: the model that nothing was taken from, the fastest of each family within the usual loss,
   * random tokens at the budget of the first of them, all that has learned, and the other ways to save work. With the runs of each.
   */
  shiftedSettings(): { readonly name: string; readonly setting: Setting; readonly runs: readonly Setting[] }[] {
    const pruning = this.ladders.filter(({ group }) => group === 'pruning')
    const families = [...new Set(pruning.map(({ name }) => methodOf(name).family))]
    const best = families.flatMap((family) => {
      const ladders = pruning.filter(({ name }) => methodOf(name).family === family)
      return (
        fastestWithin(
          ladders.flatMap((ladder) => this.candidates(ladder)),
          USUAL_LOSS,
        ) ?? []
      )
    })
    const learned = this.ladders
      .filter(({ group }) => group === 'learned')
      .flatMap((ladder) => fastestWithin(this.candidates(ladder), USUAL_LOSS) ?? [])
    const others = this.chosen(USUAL_LOSS).filter(
      ({ ladder }) => !['pruning', 'random', 'evenly spread', 'learned'].includes(ladder.group),
    )
    const [first] = best
    const chance = this.ladders.find(({ group }) => group === 'random')
    const random: Setting[] = first?.setting.kind === 'pruned' ? [{ ...first.setting, method: 'random' }] : []
    return [
      { name: 'none', setting: NONE, runs: [NONE] },
      ...best.map(({ ladder, setting }) => ({ name: ladder.name, setting, runs: [setting] })),
      ...random.map((setting) => ({ name: 'random', setting, runs: chance ? runsOf(chance, setting) : [] })),
      ...[...learned, ...others].map(({ ladder, setting }) => ({ name: ladder.name, setting, runs: [setting] })),
    ]
  }

  /** Answers on shifted data of all runs of a setting; undefined until the last is known. */
  shiftedAnswers(runs: readonly Setting[]): ShiftValue[] | undefined {
    const values = runs.map((run) => this.#results.value(this.shiftCell(run)))
    return values.every((value) => value !== undefined) ? values : undefined
  }

  trajectoryCell(): TrajectoryCell {
    const usual = this.#pruning(USUAL_LOSS) ?? this.#pruning(2 * USUAL_LOSS)
    const setting = usual?.setting ?? (this.gridSettings()[0] as Setting)
    const answers = this.#results.value(this.accuracyCell(setting, 'test'))?.answers ?? ''
    const before = this.reference('test')?.answers ?? ''
    const turned = [...answers].flatMap((answer, i) => (answer === before[i] ? [] : [i])).slice(0, MOST_TURNED)
    return { kind: 'trajectory', subject: this.form.name, setting, examples: this.#extent.trajectories, turned }
  }

  get #fixed(): Ladder[] {
    return fixedLadders(this.form, this.#extent, this.#peers)
  }

  /** The method that is tried together with 8-bit products; undefined until it can be chosen. */
  get #lead(): string | undefined {
    const ladders = this.#fixed.filter(({ group }) => group === 'pruning')
    const needed = ladders.flatMap((ladder) => [...this.#accuracyCells(ladder), this.ladderSpeed(ladder)])
    if (needed.some((cell) => this.#results.line(cell) === undefined)) return undefined
    return (this.#pruning(USUAL_LOSS) ?? this.#pruning(2 * USUAL_LOSS))?.ladder.name ?? MAIN_METHOD
  }

  #pruning(points: number): Choice | undefined {
    const ladders = this.#fixed.filter(({ group }) => group === 'pruning')
    return fastestWithin(
      ladders.flatMap((ladder) => this.candidates(ladder)),
      points,
    )
  }

  #accuracyCells(ladder: Ladder): AccuracyCell[] {
    const runs = ladder.settings.flatMap((setting) => runsOf(ladder, setting))
    return this.splits.flatMap((split) => runs.map((run) => this.accuracyCell(run, split)))
  }

  #shallow(): Shallow {
    const reference = this.reference('calibration')
    if (this.split === 'test' || reference === undefined) return { settings: [], cells: [] }
    const cellOf = (setting: Setting): AccuracyCell => this.accuracyCell(setting, 'calibration')
    return shallowSettings(this.form.layerCount, reference, cellOf, this.#results)
  }

  #speed(name: string, at: SpeedCell['at'], settings: readonly Setting[]): SpeedCell {
    const { budgetMs } = this.#extent
    const entrants = settings.map((setting) => ({ setting }))
    return { kind: 'speed', subject: this.form.name, name, runtime: 'node', at, entrants, budgetMs }
  }
}

/** The method of the grids; which one stands there does not depend on the numbers. */
export const MAIN_METHOD = 'received-attention'
