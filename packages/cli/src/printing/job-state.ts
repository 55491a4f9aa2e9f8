/** A stage that a job is going to have. */
export interface ExpectedStage {
  /** In any unit, the same for all stages. */
  readonly work: number
  /** Stages of one kind take equally long for a unit of work; default: it is the only one of its kind. */
  readonly kind?: string
  /** How long it takes, where that is known beforehand. */
  readonly seconds?: number
}

/** How far a job is. */
export interface JobState {
  /** Of the current stage; undefined before the first. */
  readonly text: string | undefined
  expect(stages: number | readonly ExpectedStage[], goesOn?: boolean): void
  stage(text: string, index?: number, resumedAt?: number): void
  step(done: number, total: number, detail?: string): void
  end(): void
  /** Of the whole job, 0 … 1, never less than before; undefined where nothing is counted. */
  share(): number | undefined
  /** Count, rate, time left of the whole job where it is known, and the report of the last step. */
  facts(): string[]
  /** Time that the stage has taken. */
  spent(): string
  /** Whether that is more than a moment. */
  isLong(): boolean
}

interface Stage {
  readonly text: string
  readonly began: number
  /** When its counting began: loading a model is not a part of it. */
  countedFrom: number
  /** The work done by then. */
  doneBefore: number
  done: number
  total: number
  detail: string | undefined
  /** It counts from the beginning again, so that nothing is known of how often it will. */
  isRepeated: boolean
}

/** Share of the remaining work that may be of kinds whose speed nobody has seen yet. */
const UNSEEN = 0.25
/** Seconds and share of a stage from which its speed says something. */
const TELLING = { seconds: 3, share: 0.01 } as const
/** A first step that is smaller than this share of a stage says when its counting began. */
const SMALL_STEP = 0.02

export function jobState(now: () => number): JobState {
  /** Undefined: each stage has a bar of its own, and the time left is unknown. */
  let stages: readonly ExpectedStage[] | undefined
  let index = 0
  let reached = 0
  let current: Stage | undefined
  /** Of stages that are over, by kind. */
  const spent = new Map<string, { seconds: number; work: number }>()

  const kindOf = (at: number): string => stages?.[at]?.kind ?? `${at}`
  const secondsSince = (time: number | undefined): number => (now() - (time ?? now())) / 1000
  /** In which what is counted was done. */
  const seconds = (): number => secondsSince(current?.countedFrom)
  const partDone = ({ done, total }: Stage): number => (total <= 0 ? 0 : Math.min(1, done / total))
  const doneHere = ({ done, doneBefore }: Stage): number => Math.max(0, done - doneBefore)
  /** Work of the current stage that was done in it; a stage that counts nothing is done when it is over. */
  const workDone = (stage: Stage, isOver: boolean): number => {
    const { work = 0 } = stages?.[index] ?? {}
    return stage.total > 0 ? (work * doneHere(stage)) / stage.total : isOver ? work : 0
  }

  /** Seconds for a unit of work. */
  const paceOf = (kind: string): number | undefined => {
    const seen = spent.get(kind)
    return seen && seen.seconds / seen.work
  }

  const share = (): number | undefined => {
    if (stages === undefined) return current === undefined || current.total <= 0 ? undefined : partDone(current)
    const done =
      sum(stages.slice(0, index)) + (current === undefined ? 0 : (stages[index]?.work ?? 0) * partDone(current))
    reached = Math.max(reached, Math.min(1, done / Math.max(sum(stages), 1e-9)))
    return reached
  }

  const secondsLeft = (): number | undefined => {
    if (stages === undefined || current === undefined || current.isRepeated) return undefined
    const own = doneHere(current)
    if (seconds() < TELLING.seconds || own <= 0 || own < TELLING.share * current.total) return undefined
    const ownLeft = (seconds() * (current.total - current.done)) / own
    const ownPace = seconds() / Math.max(workDone(current, false), 1e-9)
    let [left, unseen, all] = [ownLeft, 0, (stages[index]?.work ?? 0) * (1 - partDone(current))]
    for (const [at, { work, seconds: known }] of stages.entries()) {
      if (at <= index) continue
      const pace = kindOf(at) === kindOf(index) ? ownPace : paceOf(kindOf(at))
      left += known ?? work * (pace ?? ownPace)
      all += work
      if (known === undefined && pace === undefined) unseen += work
    }
    return unseen > UNSEEN * all ? undefined : left
  }

  const endStage = (): void => {
    if (current === undefined || stages === undefined) return
    const work = workDone(current, true)
    if (work <= 0) return
    const before = spent.get(kindOf(index)) ?? { seconds: 0, work: 0 }
    spent.set(kindOf(index), { seconds: before.seconds + seconds(), work: before.work + work })
  }

  return {
    get text() {
      return current?.text
    },
    expect(expected, goesOn = false) {
      stages = typeof expected === 'number' ? new Array<ExpectedStage>(expected).fill({ work: 1 }) : expected
      if (goesOn) return
      index = 0
      reached = 0
      current = undefined
      spent.clear()
    },
    stage(text, next, resumedAt = 0) {
      endStage()
      const following = current === undefined ? 0 : index + 1
      if (stages !== undefined) index = Math.min(next ?? following, stages.length - 1)
      const [began, doneBefore] = [now(), resumedAt]
      const counts = { done: resumedAt, total: 0, detail: undefined, isRepeated: false }
      current = { text, began, countedFrom: began, doneBefore, ...counts }
    },
    step(done, total, detail) {
      if (current === undefined) return
      if (total > 0 && done < current.done) current.isRepeated = true
      if (current.total === 0 && done - current.doneBefore < SMALL_STEP * total)
        Object.assign(current, { countedFrom: now(), doneBefore: done })
      Object.assign(current, { done, total, detail })
    },
    end() {
      current = undefined
    },
    share,
    facts() {
      if (current === undefined) return []
      const { done, total, detail } = current
      const [own, left] = [doneHere(current), secondsLeft()]
      return [
        ...(total > 0 ? [`${Math.floor(done)} of ${total}`] : []),
        ...(own > 0 && seconds() > 1 && !current.isRepeated ? [rateText(own / seconds())] : []),
        ...(left === undefined || left < 0.5 ? [] : [`${spanText(left)} left`]),
        ...(detail === undefined ? [] : [detail]),
      ]
    },
    spent: () => spanText(secondsSince(current?.began)),
    isLong: () => secondsSince(current?.began) >= 2,
  }
}

function sum(stages: readonly ExpectedStage[]): number {
  return stages.reduce((all, { work }) => all + work, 0)
}

function rateText(bySecond: number): string {
  if (bySecond >= 1) return `${bySecond >= 10 ? Math.round(bySecond) : bySecond.toFixed(1)}/s`
  return `${(60 * bySecond).toFixed(1)}/min`
}

/** `12 s`, `3 min`, `1 h 20 min` */
function spanText(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
