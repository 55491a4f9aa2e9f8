import { type JobState, jobState } from './job-state.ts'
import { cutTo, terminalColumns, UNBOUNDED } from './terminal.ts'

/** Says on stderr what a long command is at. */
export interface ProgressDisplay {
  /**
   * How many stages the whole job has, as far as its bar is concerned, or the work of each in any unit; without it each stage has a bar of
   * its own.
   * @param goesOn the job has begun, and more is known of its stages
   */
  expect?(stages: number | readonly number[], goesOn?: boolean): void
  /**
   * A new stage begins; `index` says which of those that are expected, from 0, where they do not simply follow each other, `resumedAt` what
   * of it was done before.
   */
  stage(text: string, index?: number, resumedAt?: number): void
  /** How far the stage is, which may be inside of one of the things that are counted; and what it shows. */
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

/** Milliseconds after which something that is no terminal is told how far a stage is: what runs meanwhile may block for two seconds more. */
const SELDOM = 3_000
/** Milliseconds between two drawings of the line. */
const OFTEN = 100
const BAR = 16

/** A terminal gets one line that is rewritten; anything else plain lines: one a stage, and more of a long one. */
export function progressTo(stream: TextStream, now: () => number = () => performance.now()): ProgressDisplay {
  return stream.isTTY === true ? onTerminal(stream, now) : inLines(stream, now)
}

function inLines(stream: TextStream, now: () => number): ProgressDisplay {
  const job = jobState(now)
  let told = 0
  let timer: NodeJS.Timeout | undefined
  const line = (text: string): void => {
    told = now()
    stream.write(`${text}\n`)
  }
  // What computes for long without a step is seen to go on.
  const tell = (): void => {
    if (job.text === undefined || now() - told < SELDOM) return
    const facts = job.facts()
    line(`${job.text} … ${(facts.length === 0 ? [job.spent()] : facts).join(', ')}`)
  }
  return {
    expect: job.expect,
    stage(text, index, resumedAt) {
      job.stage(text, index, resumedAt)
      line(`${text} …`)
      timer ??= setInterval(tell, SELDOM / 5).unref()
    },
    step(done, total, detail) {
      job.step(done, total, detail)
      tell()
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
  const job = jobState(now)
  let shown = 0
  let timer: NodeJS.Timeout | undefined
  const clear = '\r\x1b[K'
  const draw = (): void => {
    if (job.text === undefined) return
    shown = now()
    const columns = terminalColumns(stream)
    // A line that fills its row would be wrapped by some terminals.
    stream.write(clear + cutTo(lineOf(job), columns === UNBOUNDED ? columns : columns - 1))
  }
  return {
    expect: job.expect,
    stage(text, index, resumedAt) {
      job.stage(text, index, resumedAt)
      // What computes for long without a step is seen to go on.
      timer ??= setInterval(draw, 1000).unref()
      draw()
    },
    step(done, total, detail) {
      job.step(done, total, detail)
      if (done >= total || now() - shown >= OFTEN) draw()
    },
    note(text) {
      stream.write(`${clear}${text}\n`)
      draw()
    },
    end() {
      clearInterval(timer)
      timer = undefined
      job.end()
      stream.write(clear)
    },
  }
}

function lineOf(job: JobState): string {
  const whole = job.share()
  if (whole === undefined) return `${job.text} …${job.isLong() ? ` ${job.spent()}` : ''}`
  const filled = Math.round(BAR * whole)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${`${Math.floor(100 * whole)}`.padStart(3)} %`
  return [`${bar}  ${job.text}`, ...job.facts()].join(', ')
}
