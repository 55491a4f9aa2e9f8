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
export interface JobProgress {
  expect(stages: number | readonly ExpectedStage[], goesOn?: boolean): void
  /** A stage begins: the next one, or the one at `index`; `resumedAt` of it was done before. */
  stage(text: string, index?: number, resumedAt?: number): void
  step(done: number, total: number, detail?: string): void
  end(): void
  /** Of the whole job, 0 … 1, never less than before; undefined where nothing is counted. */
  share(): number | undefined
  /** The current stage; undefined before the first and after the last. */
  current(): StageProgress | undefined
}

export interface StageProgress {
  readonly text: string
  /** Seconds that it has taken. */
  readonly seconds: number
  /** A total of 0: nothing is counted. */
  readonly done: number
  readonly total: number
  /** Steps a second; undefined in the first second, and where the stage counts from the beginning again. */
  readonly rate: number | undefined
  /** Of the whole job, where it is known. */
  readonly secondsLeft: number | undefined
  /** Of the last step. */
  readonly detail: string | undefined
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

/**
 * Follows a job, and estimates the time left by the pace of stages of the same kind.
 * @param now milliseconds
 *
 * @example
 * const job = jobProgress(() => performance.now())
 * job.expect([{ work: 100, kind: 'evaluation' }, { work: 100, kind: 'evaluation' }])
 * job.stage('dense model')
 * job.step(50, 100)
 * console.log(job.share(), job.current()?.secondsLeft)
 */
export function jobProgress(now: () => number): JobProgress {
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
    current() {
      if (current === undefined) return undefined
      const { text, began, done, total, detail, isRepeated } = current
      const own = doneHere(current)
      const rate = own > 0 && seconds() > 1 && !isRepeated ? own / seconds() : undefined
      return { text, seconds: secondsSince(began), done, total, rate, secondsLeft: secondsLeft(), detail }
    },
  }
}

function sum(stages: readonly ExpectedStage[]): number {
  return stages.reduce((all, { work }) => all + work, 0)
}
