/** How far a job is. */
export interface JobState {
  /** Of the current stage; undefined before the first. */
  readonly text: string | undefined
  expect(stages: number | readonly number[], goesOn?: boolean): void
  stage(text: string, index?: number, resumedAt?: number): void
  step(done: number, total: number, detail?: string): void
  end(): void
  /** Of the whole job, 0 … 1, never less than before; undefined where nothing is counted. */
  share(): number | undefined
  /** Count, rate, time left, and what the last step said. */
  facts(): string[]
  /** Time that the stage has taken. */
  spent(): string
  /** Whether that is more than a moment. */
  isLong(): boolean
}

export function jobState(now: () => number): JobState {
  /** Work of each stage; undefined: each stage is a job of its own. */
  let work: readonly number[] | undefined
  let index = 0
  let reached = 0
  /** Share of the job that was done before it began. */
  let skipped = 0
  let began = now()
  let stage: { readonly text: string; readonly began: number; readonly resumedAt: number } | undefined
  let at: { readonly done: number; readonly total: number; readonly detail?: string | undefined } | undefined
  const partDone = (): number => (at === undefined || at.total <= 0 ? 0 : Math.min(1, at.done / at.total))
  const doneHere = (): number => Math.max(0, (at?.done ?? 0) - (stage?.resumedAt ?? 0))
  const seconds = (): number => (now() - (stage?.began ?? began)) / 1000
  const total = (parts: readonly number[]): number => parts.reduce((all, part) => all + part, 0)
  const share = (): number | undefined => {
    if (work === undefined) return at === undefined ? undefined : partDone()
    const done = total(work.slice(0, index)) + (work[index] ?? 0) * partDone()
    reached = Math.max(reached, Math.min(1, done / Math.max(total(work), 1e-9)))
    return reached
  }
  const left = (): number | undefined => {
    const spent = (now() - began) / 1000
    if (spent < 3) return undefined
    const whole = share() ?? 0
    const own = whole - skipped
    if (work !== undefined) return own > 0.02 ? (spent * (1 - whole)) / own : undefined
    const done = doneHere()
    return at !== undefined && done > 0 ? (seconds() * (at.total - at.done)) / done : undefined
  }
  return {
    get text() {
      return stage?.text
    },
    expect(stages, goesOn = false) {
      work = typeof stages === 'number' ? new Array<number>(stages).fill(1) : stages
      if (goesOn) return
      index = 0
      reached = 0
      skipped = 0
      began = now()
      stage = undefined
      at = undefined
    },
    stage(text, next, resumedAt = 0) {
      const following = stage === undefined ? 0 : index + 1
      if (work !== undefined) index = Math.min(next ?? following, work.length - 1)
      stage = { text, began: now(), resumedAt }
      at = undefined
    },
    step(done, all, detail) {
      if (at === undefined && work !== undefined && all > 0) {
        skipped += ((work[index] ?? 0) * (stage?.resumedAt ?? 0)) / all / Math.max(total(work), 1e-9)
      }
      at = { done, total: all, detail }
    },
    end() {
      stage = undefined
    },
    share,
    facts() {
      const { done, total: all, detail } = at ?? { done: 0, total: 0 }
      const rest = left()
      return [
        ...(all > 0 ? [`${Math.floor(done)} of ${all}`] : []),
        ...(doneHere() > 0 && seconds() > 1 ? [rateText(doneHere() / seconds())] : []),
        ...(rest === undefined ? [] : [`${spanText(rest)} left`]),
        ...(detail === undefined ? [] : [detail]),
      ]
    },
    spent: () => spanText(seconds()),
    isLong: () => seconds() >= 2,
  }
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
