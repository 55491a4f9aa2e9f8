import { cutTo, terminalColumns, UNBOUNDED } from './terminal.ts'

/** Says on stderr what a long command is at. */
export interface ProgressDisplay {
  /** How many stages the whole job has, as far as its bar is concerned; without it each stage has a bar of its own. */
  expect?(stages: number): void
  /** A new stage begins; `index` says which of those that are expected, from 0, where they do not simply follow each other. */
  stage(text: string, index?: number): void
  /** How far the stage is, and what it shows; where no terminal is, now and then. */
  step(done: number, total: number, detail?: string): void
  /** A permanent note. */
  note(text: string): void
  /** Clears the line. */
  end(): void
}

interface TextStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Milliseconds after which something that is no terminal is told how far a stage is. */
const SELDOM = 5_000
/** Milliseconds between two drawings of the line. */
const OFTEN = 100
const BAR = 16

/** A terminal gets one line that is rewritten; anything else plain lines: one a stage, and more of a long one. */
export function progressTo(stream: TextStream, now: () => number = () => performance.now()): ProgressDisplay {
  return stream.isTTY === true ? onTerminal(stream, now) : inLines(stream, now)
}

function inLines(stream: TextStream, now: () => number): ProgressDisplay {
  let stage = ''
  let began = 0
  let told = 0
  let at = ''
  let timer: NodeJS.Timeout | undefined
  const line = (text: string): void => {
    told = now()
    stream.write(`${text}\n`)
  }
  // What computes for long without a step is seen to go on.
  const goingOn = (): void => {
    if (now() - told >= SELDOM) line(`${stage} … ${at === '' ? '' : `${at}, `}${spanText((now() - began) / 1000)}`)
  }
  return {
    stage(text) {
      stage = text
      began = now()
      at = ''
      line(`${text} …`)
      timer ??= setInterval(goingOn, SELDOM / 5).unref()
    },
    step(done, total, detail) {
      at = `${done} of ${total}${detail === undefined ? '' : `, ${detail}`}`
      if (now() - told >= SELDOM) line(`${stage} … ${at}`)
    },
    note: line,
    end() {
      clearInterval(timer)
      timer = undefined
    },
  }
}

/** One bar for the whole job, with its rate and the time left; never longer than the terminal is wide. */
function onTerminal(stream: TextStream, now: () => number): ProgressDisplay {
  const job = { stages: 1, before: 0, isWhole: false, began: now() }
  let stage: { readonly text: string; readonly began: number } | undefined
  let at: { readonly done: number; readonly total: number; readonly detail?: string | undefined } | undefined
  let shown = 0
  let timer: NodeJS.Timeout | undefined
  const clear = '\r\x1b[K'
  const draw = (): void => {
    if (stage === undefined) return
    shown = now()
    const columns = terminalColumns(stream)
    // A line that fills its row would be wrapped by some terminals.
    stream.write(clear + cutTo(lineOf(stage, at, job, shown), columns === UNBOUNDED ? columns : columns - 1))
  }
  return {
    expect(stages) {
      Object.assign(job, { stages, before: 0, isWhole: true, began: now() })
      stage = undefined
    },
    stage(text, index) {
      const next = index ?? (stage === undefined ? 0 : job.before + 1)
      if (job.isWhole) job.before = Math.max(job.before, Math.min(next, job.stages - 1))
      stage = { text, began: now() }
      at = undefined
      // What computes for long without a step is seen to go on.
      timer ??= setInterval(draw, 1000).unref()
      draw()
    },
    step(done, total, detail) {
      at = { done, total, detail }
      if (done >= total || now() - shown >= OFTEN) draw()
    },
    note(text) {
      stream.write(`${clear}${text}\n`)
      draw()
    },
    end() {
      clearInterval(timer)
      timer = undefined
      stage = undefined
      stream.write(clear)
    },
  }
}

function lineOf(
  { text, began }: { readonly text: string; readonly began: number },
  at: { readonly done: number; readonly total: number; readonly detail?: string | undefined } | undefined,
  job: { readonly stages: number; readonly before: number; readonly isWhole: boolean; readonly began: number },
  time: number,
): string {
  const seconds = (time - began) / 1000
  if (at === undefined && !job.isWhole) return `${text} …${seconds >= 2 ? ` ${spanText(seconds)}` : ''}`
  const { done, total, detail } = at ?? { done: 0, total: 0 }
  const share = total > 0 ? Math.min(1, done / total) : 0
  const whole = job.isWhole ? (job.before + share) / job.stages : share
  const filled = Math.round(BAR * whole)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${`${Math.floor(100 * whole)}`.padStart(3)} %`
  const count = total > 0 ? [`${done} of ${total}`] : []
  const rate = done > 0 && seconds > 1 ? [rateText(done / seconds)] : []
  const spent = (time - job.began) / 1000
  const ofStage = done > 0 ? (seconds * (total - done)) / done : undefined
  const left = job.isWhole ? (whole > 0.02 ? (spent * (1 - whole)) / whole : undefined) : ofStage
  const rest = left === undefined || spent < 3 ? [] : [`${spanText(left)} left`]
  const more = detail === undefined ? [] : [detail]
  return [`${bar}  ${text}`, ...count, ...rate, ...rest, ...more].join(', ')
}

function rateText(bySecond: number): string {
  if (bySecond >= 1) return `${bySecond >= 10 ? Math.round(bySecond) : bySecond.toFixed(1)}/s`
  return `${(60 * bySecond).toFixed(1)}/min`
}

/** `12 s`, `3 min` */
function spanText(seconds: number): string {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`
}
