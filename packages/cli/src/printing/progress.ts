import { type ExpectedStage, type JobState, jobState } from './job-state.ts'
import { cutTo, terminalColumns, UNBOUNDED } from './terminal.ts'

/** Says on stderr what a long command is at. */
export interface ProgressDisplay {
  /**
   * How many stages the whole job has, as far as its bar is concerned, or what is known of each; without it each stage has a bar of
   * its own. How much time is left is shown only where that is known of the whole job.
   * @param goesOn the job has begun, and more is known of its stages
   */
  expect?(stages: number | readonly ExpectedStage[], goesOn?: boolean): void
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

/** The progress of one of several equal parts of a stage. */
export function partOf(progress: ProgressDisplay, part: number, parts: number): ProgressDisplay {
  return {
    ...progress,
    step: (done, total, detail) => progress.step(part * total + done, parts * total, detail),
  }
}

interface TextStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Milliseconds between two drawings of the line. */
const OFTEN = 100
const BAR = 16

/** A terminal gets one line that is rewritten; anything else, such as a log, one plain line a stage. */
export function progressTo(stream: TextStream, now: () => number = () => performance.now()): ProgressDisplay {
  return stream.isTTY === true ? onTerminal(stream, now) : inLines(stream)
}

function inLines(stream: TextStream): ProgressDisplay {
  const said = new Set<string>()
  const line = (text: string): void => void stream.write(`${text}\n`)
  return {
    expect: (_, goesOn = false) => {
      if (!goesOn) said.clear()
    },
    stage(text) {
      // Stages may alternate.
      if (!said.has(text)) line(`${text} …`)
      said.add(text)
    },
    step: () => {},
    note: line,
    end: () => said.clear(),
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
      // Work that takes long without a step shows that it goes on.
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
  if (whole === undefined) return [`${job.text} …${job.isLong() ? ` ${job.spent()}` : ''}`, ...job.facts()].join(', ')
  const filled = Math.round(BAR * whole)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${`${Math.floor(100 * whole)}`.padStart(3)} %`
  return [`${bar}  ${job.text}`, ...job.facts()].join(', ')
}
